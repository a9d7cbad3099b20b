"""``python -m bench [NAME...]``: runs the benchmarks and prints one table."""

import argparse
import dataclasses
import importlib
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.rows import Row

ALONE = ("cold_import", "package", "first_invitation", "flow", "cold_chain", "portal")
BY_SIZE = ("audits", "cost")
"""Others of which the number of guests can be said."""
IMPORTS = ("quota_bound", "against_sequential", "unbound", "hard_weather", "interactive", "memory")
"""Those of Bulk import; how many guests they import can be said."""
ALL = ALONE + IMPORTS + BY_SIZE


def main() -> int:
    parser = argparse.ArgumentParser(prog="dev.py bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(ALL)}; without any all run")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows as JSON, too")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table as Markdown, too")
    parser.add_argument(
        "--guests", type=int, metavar="N", help="work on so many guests: for a short try, not for the table"
    )
    options = parser.parse_args()
    if unknown := set(options.names) - set(ALL):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(ALL)}")
    rows: list[Row] = []
    for name in options.names or ALL:
        print(f"running {name} …", file=sys.stderr, flush=True)
        if name in ALONE:
            rows += importlib.import_module(f"bench.{name}").run()
        elif name in BY_SIZE:
            rows += importlib.import_module(f"bench.{name}").run(options.guests)
        else:
            rows += importlib.import_module(f"bench.imports.{name}").run(options.guests)
    Console(width=118).print(_table(rows))
    if options.json:
        options.json.write_text(json.dumps([dataclasses.asdict(row) for row in rows], indent=2) + "\n")
    if options.markdown:
        options.markdown.write_text(_markdown(rows))
    return 0


HEADINGS = ("benchmark", "Guestlist", "reference", "ratio", "goal")


def _table(rows: list[Row]) -> Table:
    table = Table(*HEADINGS, show_lines=True)
    for row in rows:
        name, *rest = _cells(row)
        goal = rest.pop()
        table.add_row(f"{name}\n[dim]{row.note}[/dim]", *rest, f"[bold red]{goal}[/]" if row.holds is False else goal)
    return table


def _markdown(rows: list[Row]) -> str:
    lines = [HEADINGS, ("---",) * len(HEADINGS)]
    for row in rows:
        name, *rest = _cells(row)
        lines.append((f"{name} ({row.note})" if row.note else name, *rest))
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _cells(row: Row) -> tuple[str, ...]:
    held = {True: ", met", False: ", MISSED", None: ""}[row.holds]
    return (
        row.name,
        _figure(row.value, row.unit),
        "" if row.against is None else _figure(row.against, row.unit),
        "" if row.ratio is None else f"{row.ratio:.2f}",
        f"{row.goal or ''}{held}",
    )


def _figure(value: float, unit: str) -> str:
    shown = f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
    return f"{shown} {unit}".strip()


if __name__ == "__main__":
    sys.exit(main())
