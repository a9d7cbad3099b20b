"""Which files of the working copy are deployed: those that `.funcignore` leaves.

It has the syntax of `.gitignore` (Microsoft, "Configure service packaging file exclusions").
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from pathspec import GitIgnoreSpec

from build_tools.paths import ROOT

IGNORE_FILE = ".funcignore"


def app_files(root: Path = ROOT) -> list[PurePosixPath]:
    """The app's files below `root`, sorted."""
    spec = GitIgnoreSpec.from_lines((root / IGNORE_FILE).read_text(encoding="utf-8").splitlines())
    return sorted(PurePosixPath(path.relative_to(root)) for path in _left(root, root, spec))


def _left(folder: Path, root: Path, spec: GitIgnoreSpec) -> Iterator[Path]:
    # A folder that is ignored is not looked into: there are 50,000 files in .venv.
    for path in folder.iterdir():
        name = path.relative_to(root).as_posix()
        if path.is_dir():
            if not spec.match_file(f"{name}/"):
                yield from _left(path, root, spec)
        elif not spec.match_file(name):
            yield path
