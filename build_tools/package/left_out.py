"""`infra/left-out.txt`: what no line of Guestlist ever imports and is therefore not deployed.

Who imports it all the same gets an `ImportError` that names the list, not a puzzle: each module or package that was
left out leaves a stub behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pathspec import GitIgnoreSpec

from build_tools.package.errors import PackageError
from build_tools.paths import ROOT

FILE = ROOT / "infra" / "left-out.txt"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the list."""

    pattern: str
    reason: str
    spec: GitIgnoreSpec


def read(file: Path = FILE) -> list[Entry]:
    """The list: a pattern as in `.gitignore` and its reason in each line.

    Raises:
        PackageError: a line has no reason.
    """
    entries = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        pattern, _, reason = (part.strip() for part in line.partition("#"))
        if not pattern:
            continue
        if not reason:
            raise PackageError(f"{file.name}, line {number}: '{pattern}' has no reason.")
        entries.append(Entry(pattern, reason, GitIgnoreSpec.from_lines([pattern])))
    return entries


def sort_out(paths: list[PurePosixPath], entries: list[Entry]) -> dict[PurePosixPath, Entry]:
    """Which of these files are left out, each with the line that says so.

    Raises:
        PackageError: a line leaves out nothing (what it was for has gone or has another name).
    """
    found: dict[PurePosixPath, Entry] = {}
    for entry in entries:
        matches = [path for path in paths if path not in found and entry.spec.match_file(path.as_posix())]
        if not matches:
            raise PackageError(f"{FILE.name}: '{entry.pattern}' leaves out nothing. Remove the line or fix it.")
        found.update(dict.fromkeys(matches, entry))
    return found


def stubs(out: dict[PurePosixPath, Entry], kept: set[PurePosixPath]) -> dict[PurePosixPath, str]:
    """The modules that stand where something was left out: one for each package or module that went as a whole."""
    alive = {folder for path in kept for folder in path.parents}
    made: dict[PurePosixPath, str] = {}
    for path, entry in out.items():
        if path.suffix != ".py":
            continue
        folder = next((parent for parent in reversed(path.parents) if parent not in alive), None)
        target = path if folder is None else folder / "__init__.py"
        made.setdefault(target, _stub(target, entry))
    return made


def _stub(path: PurePosixPath, entry: Entry) -> str:
    name = ".".join((path.parent if path.name == "__init__.py" else path.with_suffix("")).parts)
    text = (
        f"{name} is not in the deployment package: infra/{FILE.name} leaves out '{entry.pattern}' ({entry.reason}). "
        "Take it off that list to use it."
    )
    return f'"""Left out of the deployment package."""\n\nraise ImportError({text!r}, name=__name__)\n'
