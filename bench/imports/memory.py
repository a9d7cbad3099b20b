"""The splitter's peak memory on a small and on a large file, each in a fresh process."""

import json
import os
import subprocess
import sys

from bench.imports.scene import UNBOUND
from bench.rows import Row
from build_tools.paths import ROOT
from local.stack import Stack

FILES = ("bench/imports/splitter.py", "shared/imports/split.py", "shared/core/csv/records.py")
AREA = ("shared/imports", "shared/storage/files.py")
SMALL, LARGE = 10_000, 1_000_000
GOAL = 1.2


def run(guests: int | None = None) -> list[Row]:
    large = guests or LARGE
    # A pace that the whole file fits into: the splitter is measured, not its waiting.
    pace = {"GUESTLIST_IMPORT_GUESTS_PER_MINUTE": "60000000", "GUESTLIST_IMPORT_BURST": "10000000"}
    with Stack(extra_settings=UNBOUND | pace, start_host=False) as stack:
        env = os.environ | stack.settings
        small_run, large_run = (_measure(rows, env) for rows in (SMALL, large))
    value, against = large_run["peak"], small_run["peak"]
    ratio = value / against
    note = (
        f"peak of the process, {large:,} rows against {SMALL:,}; over what it had before the first row "
        f"{value - large_run['before']:.1f} MB against {against - small_run['before']:.1f} MB; real file, cursor and "
        f"pace, chunks counted but not written; {large / large_run['seconds']:,.0f} rows/s"
    )
    return [Row("memory of the splitter", value, "MB", against, ratio, f"ratio <= {GOAL}", ratio <= GOAL, note)]


def _measure(rows: int, env: dict[str, str]) -> dict[str, float]:
    import_id = _output(env, "keep", str(rows)).strip()
    found: dict[str, float] = json.loads(_output(env, "split", import_id))
    if found["guests"] != rows:
        raise RuntimeError(f"the splitter found {found['guests']} guests in {rows} rows")
    return found


def _output(env: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "-m", "bench.imports.splitter", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    return done.stdout
