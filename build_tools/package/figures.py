"""Size, number of files and cold import of the package, beside what it would be with everything in it.

Cold import is the processor time of a fresh interpreter that finds nothing but the package and the standard library
and may write no bytecode (in Azure a package is mounted read-only), the best of several. Reading the files for the
first time comes on top in Azure: the disk's cache is warm here, and waiting for other programs is not counted.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from build_tools.package import build, content
from build_tools.package.errors import PackageError
from build_tools.paths import BUILD, PACKAGE, ROOT

_APP = "import function_app"
EVERY_MODULE = """
import importlib, pkgutil, function_app
for root in ("functions", "shared"):
    for module in pkgutil.walk_packages(importlib.import_module(root).__path__, root + "."):
        if not module.name.endswith(".__main__"):
            importlib.import_module(module.name)
"""
_TIMED = """
import sys, time
sys.path[:0] = [sys.argv[1]]
sys.path.append(sys.argv[2])
begun = time.process_time()
exec(sys.argv[3])
print(time.process_time() - begun)
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one form of the package."""

    what: str
    size_mb: float
    files: int
    app_s: float
    """To import `function_app`, as a cold start does."""
    modules_s: float
    """To import every module of the app: about what the first call of every kind comes to."""


def measure(package: Path = PACKAGE, *, runs: int = 2) -> list[Figures]:
    """Everything that is pinned; without what is never imported; that with bytecode, which is the package.

    Raises:
        PackageError: an import fails.
    """
    with tempfile.TemporaryDirectory(dir=BUILD, prefix="whole-") as folder:
        whole, bare = Path(folder) / "whole", Path(folder) / "bare"
        build.unpack(whole / build.PACKAGES, [])
        for name in content.app_files():
            target = whole / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target)
        shutil.copytree(package, bare, ignore=shutil.ignore_patterns("__pycache__"))
        forms = {
            "all that is pinned": whole,
            "without what is never imported": bare,
            "with bytecode: the package": package,
        }
        app, modules = (_best(list(forms.values()), program, runs) for program in (_APP, EVERY_MODULE))
        return [
            Figures(what, *_size(path), app_s=app[number], modules_s=modules[number])
            for number, (what, path) in enumerate(forms.items())
        ]


def _best(packages: list[Path], program: str, runs: int) -> list[float]:
    # In turn, so that a slow moment of the machine meets all of them.
    times = [[import_seconds(package, program) for package in packages] for _ in range(runs)]
    return [min(column) for column in zip(*times, strict=True)]


def import_seconds(package: Path, program: str) -> float:
    """Processor time that `program` takes in a fresh interpreter that finds the package and nothing else.

    Raises:
        PackageError: the program fails.
    """
    command = [sys.executable, "-I", "-S", "-B", "-c", _TIMED]
    command += [str(package / build.PACKAGES), str(package), program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  (put together here)
    if done.returncode != 0:
        raise PackageError(f"The app cannot be imported from {package.name}:\n{done.stderr}")
    return float(done.stdout)


def _size(folder: Path) -> tuple[float, int]:
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return sum(sizes) / 1e6, len(sizes)
