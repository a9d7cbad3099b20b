"""Cold import of the app against bare imports of the SDKs that it is made of, in fresh interpreters."""

import subprocess
import sys
from pathlib import Path

from bench.rows import Row

ROOT = Path(__file__).resolve().parents[1]
SDKS = "import azure.functions, azure.identity.aio, azure.storage.queue.aio, azure.data.tables.aio, msgraph"
FILES, AREA = ("function_app.py", "requirements.txt"), ("functions", "shared")
RUNS = 7
GOAL = 1.1


def run() -> list[Row]:
    app: list[float] = []
    sdks: list[float] = []
    for _ in range(RUNS):
        app.append(_seconds("import function_app"))
        sdks.append(_seconds(SDKS))
    value, against = min(app), min(sdks)
    ratio = value / against
    note = f"best of {RUNS}; the app loads its SDKs at the first call, so that an import costs little"
    return [Row("cold import of the app", value, "s", against, ratio, f"ratio <= {GOAL}", ratio <= GOAL, note)]


def _seconds(program: str) -> float:
    timed = f"import time; t = time.perf_counter(); {program}; print(time.perf_counter() - t)"
    done = subprocess.run(  # noqa: S603 - our own programs
        [sys.executable, "-c", timed], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return float(done.stdout)
