"""``python -m bench [NAME...]``: runs the benchmarks and prints one table."""

import argparse
import dataclasses
import importlib
import json
import sys
from pathlib import Path
from types import ModuleType

from rich.console import Console
from rich.table import Table

from bench import figures
from bench.rows import HEADINGS, Row

ROOT = Path(__file__).resolve().parents[1]
ALONE = ("cold_import", "package", "first_invitation", "flow", "cold_chain", "portal", "idle")
BY_SIZE = ("audits", "cost")
"""Others of which the number of guests can be said."""
IMPORTS = (
    "quota_bound",
    "quota_shared",
    "outage",
    "against_sequential",
    "unbound",
    "hard_weather",
    "interactive",
    "memory",
)
"""Those of Bulk import; how many guests they import can be said."""
ALL = ALONE + IMPORTS + BY_SIZE


def main() -> int:
    parser = argparse.ArgumentParser(prog="dev.py bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(ALL)}; without any all run")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows as JSON, too")
    parser.add_argument(
        "--write", action="store_true", help="put the figures into bench/figures.json and the documents"
    )
    parser.add_argument(
        "--guests", type=int, metavar="N", help="work on so many guests: for a short try, not for the table"
    )
    options = parser.parse_args()
    if unknown := set(options.names) - set(ALL):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(ALL)}")
    if options.write and options.guests is not None:
        parser.error("--write takes no --guests: documents show a benchmark at the size that it has by itself")
    names = options.names or ALL
    rows: list[Row] = []
    try:
        if options.write:
            for name in names:  # before hours of work
                figures.stamp(ROOT, sources(name))
        for name in names:
            print(f"running {name} …", file=sys.stderr, flush=True)
            # Of now: what is changed while it runs makes the figures out of date.
            begun = figures.stamp(ROOT, sources(name)) if options.write else None
            found = _run(name, options.guests)
            if begun:
                figures.keep(ROOT, name, dataclasses.replace(begun, rows=tuple(found)))
            rows += found
    except figures.FiguresError as error:
        parser.error(str(error))
    Console(width=118).print(_table(rows))
    if options.json:
        options.json.write_text(json.dumps([dataclasses.asdict(row) for row in rows], indent=2) + "\n")
    return 0


def sources(name: str) -> figures.Sources:
    """What a benchmark's module says of itself; its own code decides its figures, too."""
    module = _module(name)
    return figures.Sources((f"{module.__name__.replace('.', '/')}.py", *module.FILES), module.AREA)


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"bench.imports.{name}" if name in IMPORTS else f"bench.{name}")


def _run(name: str, guests: int | None) -> list[Row]:
    run = _module(name).run
    found: list[Row] = run() if name in ALONE else run(guests)
    return found


def _table(rows: list[Row]) -> Table:
    table = Table(*HEADINGS, show_lines=True)
    for row in rows:
        name, *rest = row.cells()
        goal = rest.pop()
        table.add_row(f"{name}\n[dim]{row.note}[/dim]", *rest, f"[bold red]{goal}[/]" if row.holds is False else goal)
    return table


if __name__ == "__main__":
    sys.exit(main())
