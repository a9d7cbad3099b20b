"""The figures in documents: kept in ``figures.json`` as the benchmarks wrote them, drawn from there, never typed.

Each carries the commit and the day at which it was measured. It is out of date when a file that decides it says
something else by now, or when code of its area is newer by more than a month.
"""

import ast
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec

from bench.rows import HEADINGS, Row

MONTH = timedelta(days=31)
_KEPT = "bench/figures.json"
_DOCUMENTS = ("*.md", "docs/**/*.md", "infra/**/*.md", "local/**/*.md", "samples/**/*.md")
_DRAWN = re.compile(r"^<!-- figures: ([\w ]+) -->\n(.*?)^<!-- end of figures -->$", re.MULTILINE | re.DOTALL)
_TABLE = re.compile(r"(?:^\|.*\n)+", re.MULTILINE)
_MEASURED = re.compile(r"[\d.,]+ (?:s|ms|[kMG]B|GB-s|%|USD|[\w ]+/s)")
_HEADINGS_OF_FIGURES = {*HEADINGS, "cost"} - {"Guestlist"}


class FiguresError(Exception):
    """A figure cannot be kept or shown; the message says what to do."""


class NoHistory(FiguresError):
    """git cannot say when code was changed last."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What a benchmark measures, by paths from the root: `FILES` and `AREA` of its module. `files`, as globs, are the
    few that decide its figures: a change to one asks for a new run. `area` are the folders and files around them."""

    files: tuple[str, ...]
    area: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """A run of a benchmark. `commit` had the code, `digest` is that of its files, `day` is in UTC."""

    commit: str
    day: date
    cores: int
    digest: str
    rows: tuple[Row, ...] = ()


# --- Kept


def kept(root: Path) -> dict[str, Measured]:
    """By the benchmark's name."""
    return msgspec.json.decode((root / _KEPT).read_bytes(), type=dict[str, Measured])


def keep(root: Path, name: str, measured: Measured) -> None:
    """In place of the benchmark's figures of before, in the file and in every document."""
    # Decoded once, so that a whole number is written the same way by every later run.
    [new] = msgspec.json.decode(msgspec.json.encode([measured]), type=list[Measured])
    all_ = kept(root) | {name: new}
    (root / _KEPT).write_bytes(
        msgspec.json.format(msgspec.json.encode(all_, order="deterministic"), indent=2) + b"\n"
    )
    for path in documents(root):
        before = path.read_text(encoding="utf-8")
        after = drawn(before, all_)
        if after != before:
            path.write_text(after, encoding="utf-8")


def stamp(root: Path, sources: Sources) -> Measured:
    """A run that begins now, without its rows.

    Raises:
        FiguresError: no commit has the code that would be measured.
    """
    globs = [f":(glob){glob}" for glob in sources.files]
    try:
        commit = _git(root, "rev-parse", "--short", "HEAD")
        changed = _git(root, "status", "--porcelain", "--untracked-files=all", "--", *globs, *sources.area)
    except (OSError, subprocess.CalledProcessError) as error:
        raise FiguresError(f"A figure carries its commit, and git names none: {_said(error)}") from error
    if changed:
        raise FiguresError(f"A figure carries its commit, and none has these changes; commit them first:\n{changed}")
    return Measured(commit, datetime.now(UTC).date(), os.process_cpu_count() or 1, digest(root, sources))


# --- Out of date


def digest(root: Path, sources: Sources) -> str:
    """Of what the files say: comments and docstrings of Python decide no figure.

    Raises:
        FiguresError: one of the globs names no file.
    """
    found: set[Path] = set()
    for glob in sources.files:
        files = {path for path in root.glob(glob) if path.is_file()}
        if not files:
            raise FiguresError(f"There is no {glob}.")
        found |= files
    whole = hashlib.sha256()
    for path in sorted(found):
        whole.update(f"\0{path.relative_to(root).as_posix()}\0".encode() + _content(path))
    return whole.hexdigest()


def _content(path: Path) -> bytes:
    if path.suffix != ".py":
        return path.read_bytes()
    return ast.dump(_NoDocstrings().visit(ast.parse(path.read_bytes()))).encode()


class _NoDocstrings(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_text else node


def days_behind(root: Path, measured: Measured, sources: Sources) -> int:
    """By how many days the newest commit in the area is newer.

    Raises:
        NoHistory: this is no clone, or a shallow one.
        FiguresError: no commit has the area.
    """
    try:
        if _git(root, "rev-parse", "--is-shallow-repository") == "true":
            raise NoHistory("The clone is shallow: its history does not say when the code was changed last.")
        newest = _git(root, "log", "-1", "--format=%cI", "--", *sources.area)
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoHistory(f"git does not say when the code was changed last: {_said(error)}") from error
    if not newest:
        raise FiguresError(f"No commit has any of {', '.join(sources.area)}.")
    return (datetime.fromisoformat(newest).astimezone(UTC).date() - measured.day).days


def _git(root: Path, *arguments: str) -> str:
    command = [shutil.which("git") or "git", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603


def _said(error: Exception) -> str:
    return error.stderr.strip() if isinstance(error, subprocess.CalledProcessError) else str(error)


# --- Documents


def documents(root: Path) -> list[Path]:
    """Where figures may stand."""
    return sorted({path for glob in _DOCUMENTS for path in root.glob(glob)})


def shown(text: str) -> set[str]:
    """The benchmarks that a document shows."""
    return {name for names, _ in _DRAWN.findall(text) for name in names.split()}


def drawn(text: str, all_: Mapping[str, Measured]) -> str:
    """A document with its tables drawn again."""

    def table(found: re.Match[str]) -> str:
        return f"<!-- figures: {found[1]} -->\n\n{_table(found[1].split(), all_)}\n<!-- end of figures -->"

    return _DRAWN.sub(table, text)


def typed(text: str) -> Iterator[str]:
    """Tables of figures that no benchmark writes, by their first lines."""
    for table in _TABLE.findall(_DRAWN.sub("", text)):
        lines = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in table.splitlines()]
        is_measured = any(_MEASURED.fullmatch(cell) for line in lines[1:] for cell in line)
        if is_measured or _HEADINGS_OF_FIGURES & {*lines[0]}:
            yield table.partition("\n")[0]


def _table(names: Iterable[str], all_: Mapping[str, Measured]) -> str:
    lines: list[tuple[str, ...]] = []
    for name in names:
        if name in all_:
            lines += _lines(all_[name])
        else:
            lines.append((f"`{name}`", *[""] * (len(HEADINGS) - 1), "not measured yet"))
    # A column in which nothing stands is left out.
    columns = [c for c in zip((*HEADINGS, "measured"), *lines, strict=True) if any(c[1:])]
    head, *body = zip(*columns, strict=True)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, ("---",) * len(head), *body))


def _lines(measured: Measured) -> Iterator[tuple[str, ...]]:
    when = f"{measured.day}, {measured.commit}, {measured.cores} cores"
    for row in measured.rows:
        name, *rest = (cell.replace("|", r"\|") for cell in row.cells())
        note = row.note.replace("|", r"\|")
        goal = rest.pop().replace("MISSED", "**MISSED**")
        yield (f"{name}<br><sub>{note}</sub>" if note else name, *rest, goal, when)
