"""Builds the package where it is not what the working copy says.

Safe to call from several processes at once. What is expensive (the packages) is made anew only when
`requirements.txt`, the list of what is left out, or this builder has changed.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath

from build_tools import portal
from build_tools.lock import locked
from build_tools.package import compiling, content, left_out, wheels
from build_tools.package.errors import PackageError
from build_tools.paths import BUILD, PACKAGE, ROOT

ZIP = BUILD / "guestlist.zip"
PACKAGES = PurePosixPath(".python_packages/lib/site-packages")
"""Where the Python worker of Azure looks for packages first (Microsoft, "Python developer reference")."""

DEPLOYED_IGNORE_FILE = """\
# Everything in this folder is deployed. Without this file azd would leave out __pycache__, the bytecode that every
# cold start is quicker by.
"""

_BUILDER = [Path(__file__).with_name(f"{n}.py") for n in ("build", "compiling", "content", "left_out", "wheels")]
"""What decides how the same sources become a package."""


def build(out: Path = PACKAGE) -> Path:
    """Make `out` the package of now; gives `out`.

    Raises:
        PackageError: something could not be had or does not fit together.
    """
    try:
        portal.build()
    except portal.PortalError as error:
        raise PackageError(str(error)) from error
    with locked(out):
        stamp = _Stamp(out)
        packages = _digest([wheels.REQUIREMENTS, left_out.FILE, *_BUILDER], sys.version)
        if not stamp.says("packages", packages):
            stamp.forget()
            shutil.rmtree(out, ignore_errors=True)
            _install(out / PACKAGES)
            _compile(out / PACKAGES, out)
            stamp.write("packages", packages)
        names = content.app_files()
        app = _digest([ROOT / name for name in names], packages)
        if not stamp.says("app", app):
            stamp.forget("app", "zip")
            _copy_app(names, out)
            stamp.write("app", app)
    return out


def build_zip(out: Path = PACKAGE, target: Path = ZIP) -> Path:
    """The zip of the package, for tools that deploy one; gives `target`."""
    build(out)
    with locked(out):
        stamp = _Stamp(out)
        wanted = f"{stamp.read()['app']} {target}"
        if not (target.is_file() and stamp.says("zip", wanted)):
            draft = target.with_suffix(".new")
            write_zip(out, draft)
            draft.replace(target)
            stamp.write("zip", wanted)
    return target


def write_zip(folder: Path, target: Path) -> None:
    """Everything below `folder`. The same content gives the same bytes: names sorted, no times, no owners."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            member = zipfile.ZipInfo(path.relative_to(folder).as_posix())
            member.create_system = 3  # Unix: what the next line says is a file's mode
            member.external_attr = 0o100644 << 16
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, path.read_bytes())


def unpack(target: Path, entries: list[left_out.Entry]) -> None:
    """Write the packages into `target` without what `entries` leave out. Compiles nothing."""
    found = wheels.fetch()
    paths = [file.path for file in wheels.files(found)]
    out = left_out.sort_out(paths, entries)
    kept = set(paths) - out.keys()
    for file in wheels.files(found):
        if file.path in out:
            continue
        data = file.read()
        if file.path.name == "RECORD" and file.path.parent.suffix == ".dist-info":
            data = wheels.record_of(data, kept)
        _write(target / file.path, data)
    for path, text in left_out.stubs(out, kept).items():
        _write(target / path, text.encode())


def _install(target: Path) -> None:
    unpack(target, left_out.read())


def _copy_app(names: list[PurePosixPath], out: Path) -> None:
    for path in out.iterdir():
        if path.name != PACKAGES.parts[0]:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name in names:
        _write(out / name, (ROOT / name).read_bytes())
    for path in sorted(out.iterdir()):
        if path.name != PACKAGES.parts[0] and path.is_dir():
            _compile(path, out)
    _compile(out, out, deep=False)
    _write(out / content.IGNORE_FILE, DEPLOYED_IGNORE_FILE.encode())


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _compile(folder: Path, root: Path, *, deep: bool = True) -> None:
    command = [sys.executable, "-I", "-S", str(Path(compiling.__file__)), str(folder), str(root)]
    done = subprocess.run(  # noqa: S603  (our own program)
        [*command, "deep" if deep else "flat"], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise PackageError(f"The modules could not be compiled:\n{done.stderr}")


def _digest(files: list[Path], more: str) -> str:
    found = hashlib.sha256(more.encode())
    for path in files:
        found.update(f"\0{path.relative_to(ROOT).as_posix()}\0".encode() + path.read_bytes())
    return found.hexdigest()


class _Stamp:
    """What a package was made from, in a file beside it. A part that is being made has no line in it."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._file = out.with_name(f"{out.name}.stamp")

    def read(self) -> dict[str, str]:
        try:
            found: dict[str, str] = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if self._out.is_dir() else {}

    def says(self, part: str, digest: str) -> bool:
        return self.read().get(part) == digest

    def write(self, part: str, digest: str) -> None:
        self._replace(self.read() | {part: digest})

    def forget(self, *parts: str) -> None:
        """These, or all."""
        self._replace({k: v for k, v in self.read().items() if k not in parts} if parts else {})

    def _replace(self, lines: dict[str, str]) -> None:
        draft = self._file.with_suffix(".new")
        draft.write_text(json.dumps(lines, indent=1), encoding="utf-8")
        draft.replace(self._file)
