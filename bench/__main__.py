"""``python -m bench [NAME] [--json FILE]``: runs the benchmarks and prints one table."""

import argparse
import dataclasses
import importlib
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.rows import Row

NAMES = ("cold_import", "first_invitation", "flow")


def main() -> int:
    parser = argparse.ArgumentParser(prog="dev.py bench", description=__doc__)
    parser.add_argument("name", nargs="?", choices=NAMES, help="one of them; without it all run")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows as JSON, too")
    options = parser.parse_args()
    rows: list[Row] = []
    for name in [options.name] if options.name else NAMES:
        print(f"running {name} …", file=sys.stderr, flush=True)
        rows += importlib.import_module(f"bench.{name}").run()
    Console(width=110).print(_table(rows))
    if options.json:
        options.json.write_text(json.dumps([dataclasses.asdict(row) for row in rows], indent=2) + "\n")
    return 0


def _table(rows: list[Row]) -> Table:
    table = Table("benchmark", "value", "against", "ratio", "goal", "holds")
    for row in rows:
        table.add_row(
            f"{row.name}\n[dim]{row.note}[/dim]",
            f"{row.value:.3g} {row.unit}",
            "" if row.against is None else f"{row.against:.3g} {row.unit}",
            "" if row.ratio is None else f"{row.ratio:.2f}",
            row.goal or "",
            {True: "yes", False: "no", None: ""}[row.holds],
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
