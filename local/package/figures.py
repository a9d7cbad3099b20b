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

from local.package import build, content
from local.package.errors import PackageError
from local.paths import BUILD, PACKAGE, ROOT

_APP = "import function_app"
_EVERY_MODULE = """
import importlib, pkgutil, function_app
for root in ("functions", "shared"):
    for module in pkgutil.walk_packages(importlib.import_module(root).__path__, root + "."):
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


def measure(package: Path = PACKAGE, *, runs: int = 3) -> list[Figures]:
    """Everything that is pinned; without what is never imported; that with bytecode, which is the package.

    Raises:
        PackageError: an import fails.
    """
    with tempfile.TemporaryDirectory(dir=BUILD, prefix="whole-") as folder:
        whole, no_bytecode = Path(folder) / "package", Path(folder) / "none"
        build.unpack(whole / build.PACKAGES, [])
        for name in content.app_files():
            target = whole / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target)
        bare = f"-Xpycache_prefix={no_bytecode}"
        forms = [
            ("all that is pinned", whole, []),
            ("without what is never imported", package, [bare]),
            ("with bytecode: the package", package, []),
        ]
        app, modules = _best(forms, _APP, runs), _best(forms, _EVERY_MODULE, runs)
        return [
            Figures(what, *_size(path, compiled=not flags), app_s=app[number], modules_s=modules[number])
            for number, (what, path, flags) in enumerate(forms)
        ]


def _best(forms: list[tuple[str, Path, list[str]]], program: str, runs: int) -> list[float]:
    # In turn, so that a slow moment of the machine meets all of them.
    times = [[_seconds(path, flags, program) for _, path, flags in forms] for _ in range(runs)]
    return [min(column) for column in zip(*times, strict=True)]


def _seconds(package: Path, flags: list[str], program: str) -> float:
    command = [sys.executable, "-I", "-S", "-B", *flags, "-c", _TIMED]
    command += [str(package / build.PACKAGES), str(package), program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  (put together here)
    if done.returncode != 0:
        raise PackageError(f"The app cannot be imported from {package.name}:\n{done.stderr}")
    return float(done.stdout)


def _size(folder: Path, *, compiled: bool) -> tuple[float, int]:
    sizes = [p.stat().st_size for p in folder.rglob("*") if p.is_file() and (compiled or p.suffix != ".pyc")]
    return sum(sizes) / 1e6, len(sizes)
