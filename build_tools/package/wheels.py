"""The pinned packages as wheels for the machines that Azure runs Python apps on.

They are unpacked here rather than by pip: what is left out is then never written, and a build on another kind of
machine gives the same files.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from build_tools.lock import locked
from build_tools.package.errors import PackageError
from build_tools.paths import BUILD, ROOT

REQUIREMENTS = ROOT / "requirements.txt"
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
"""glibc 2.28 or newer on x86-64: what the images of Azure Functions for Python 3.13 have (Debian 12)."""

_TARGET = (
    *(part for platform in PLATFORMS for part in ("--platform", platform)),
    *("--python-version", "3.13", "--implementation", "cp", "--abi", "cp313", "--only-binary", ":all:"),
)
_CACHE = BUILD / "wheels"
_INSTALLED = ("purelib", "platlib")
"""Parts of a wheel's `.data` folder that belong among the modules; scripts and headers have no place in an app."""


@dataclass(frozen=True, slots=True)
class WheelFile:
    """One file of a wheel."""

    path: PurePosixPath
    """Below `site-packages`."""
    size: int
    archive: zipfile.ZipFile
    member: zipfile.ZipInfo

    def read(self) -> bytes:
        return self.archive.read(self.member)


def fetch() -> list[Path]:
    """The wheels that `requirements.txt` names; fetched once, until it changes.

    Raises:
        PackageError: one cannot be had as a wheel for that platform.
    """
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes() + "\0".join(_TARGET).encode()).hexdigest()
    stamp = _CACHE / "stamp"
    with locked(_CACHE):
        if not (stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted):
            _download()
            stamp.write_text(wanted, encoding="utf-8")
    return sorted(_CACHE.glob("*.whl"))


def _download() -> None:
    shutil.rmtree(_CACHE, ignore_errors=True)
    _CACHE.mkdir(parents=True)
    # --no-deps: the list is whole, and pip would judge conditions by this machine instead of Azure's.
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet", "download"]
    command += ["--no-deps", "--require-hashes", "--dest", str(_CACHE), *_TARGET, "-r", str(REQUIREMENTS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  (put together here)
    if done.returncode != 0:
        raise PackageError(f"The packages of requirements.txt could not be had as wheels for Azure:\n{done.stderr}")


def files(wheels: list[Path]) -> Iterator[WheelFile]:
    """Every file that an installation would have, in a fixed order.

    Raises:
        PackageError: a wheel wants to write outside of `site-packages`, or over another's file.
    """
    seen: dict[PurePosixPath, tuple[str, int]] = {}
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for member in sorted(archive.infolist(), key=lambda m: m.filename):
                path = _installed_path(member)
                if path is None:
                    continue
                if path.is_absolute() or ".." in path.parts:
                    raise PackageError(f"{wheel.name} has a file outside of its folder: {member.filename}")
                other, checksum = seen.setdefault(path, (wheel.name, member.CRC))
                if checksum != member.CRC:
                    raise PackageError(f"{wheel.name} and {other} have different files of one name: {path}")
                yield WheelFile(path, member.file_size, archive, member)


def _installed_path(member: zipfile.ZipInfo) -> PurePosixPath | None:
    path = PurePosixPath(member.filename)
    if member.is_dir():
        return None
    if path.parts[0].endswith(".data"):
        kind, *rest = path.parts[1:]
        return PurePosixPath(*rest) if kind in _INSTALLED else None
    return path


def record_of(content: bytes, kept: set[PurePosixPath]) -> bytes:
    """A wheel's `RECORD` with the lines of kept files alone: `importlib.metadata` believes what stands there."""
    lines = content.decode().splitlines(keepends=True)
    return "".join(line for line in lines if PurePosixPath(line.split(",")[0].strip('"')) in kept).encode()
