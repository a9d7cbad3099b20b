"""``python -m build_tools.package``: builds the package and says what it weighs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from build_tools.package import build, sbom
from build_tools.package.errors import PackageError
from build_tools.package.figures import Figures, measure
from build_tools.paths import PACKAGE


def main() -> int:
    parser = argparse.ArgumentParser(prog="dev.py package", description="Builds what is deployed to Azure.")
    parser.add_argument("--out", type=Path, default=PACKAGE, help="folder of the package (default: build/package)")
    parser.add_argument("--folder-only", action="store_true", help="no zip beside it, and nothing measured")
    given = parser.parse_args()
    out = given.out.resolve()
    try:
        build.build(out)
        if given.folder_only:
            return 0
        archive = build.build_zip(out, out.with_name(build.ZIP.name))
        bill = sbom.write(out / build.PACKAGES, out.with_name(sbom.FILE.name))
        print(f"{out}\n{archive} ({archive.stat().st_size / 1e6:.1f} MB)\n{bill}")
        Console(width=100).print(_table(measure(out)))
    except PackageError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _table(forms: list[Figures]) -> Table:
    table = Table(
        "", "MB", "files", "import of the app, s", "of all its modules, s", title="Cold import, processor time"
    )
    for form in forms:
        times = (f"{form.app_s:.2f}", f"{form.modules_s:.2f}")
        table.add_row(form.what, f"{form.size_mb:.1f}", f"{form.files:,}", *times)
    return table


if __name__ == "__main__":
    sys.exit(main())
