"""The folder of a backup: one compressed file of lines for each table, files of imports as they are, and the
manifest, which is written last. Where there is none, the backup did not come to its end."""

import gzip
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.tables.problems import Problem
from infra.tables.rows import Key, from_line, key_of

FORMAT = 1
_MANIFEST = "manifest.json"
NAMES = Path(__file__).resolve().parents[1] / "storage-names.json"
"""What Guestlist keeps in storage; the templates make it and the code uses it."""


def all_tables() -> list[str]:
    return [str(name) for name in json.loads(NAMES.read_text(encoding="utf-8"))["tables"]]


@dataclass(frozen=True, slots=True)
class Piece:
    """A file of the backup. `count` is rows, or bytes of a file of an import."""

    file: str
    count: int
    sha256: str


@dataclass(slots=True)
class Manifest:
    account: str
    started: str
    finished: str = ""
    tables: dict[str, Piece] = field(default_factory=dict)
    files: dict[str, Piece] | None = None
    """Files of imports by name; None where they were not asked for."""


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True)
class Folder:
    path: Path

    def prepare(self) -> None:
        """Make it, for its owner's eyes alone: addresses are in it.

        Raises:
            Problem: there is something in it.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if any(self.path.iterdir()):
                raise Problem(f"{self.path} is not empty: a backup takes a folder of its own.")
            (self.path / "tables").mkdir()
        except OSError as e:
            raise Problem(f"{self.path} cannot be made: {e.strerror}") from e

    @contextmanager
    def writing(self, table: str) -> Iterator[gzip.GzipFile]:
        # No time and no name inside: the same rows make the same file.
        with (self.path / _file_of(table)).open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:
            yield packed

    def piece(self, file: str, count: int) -> Piece:
        return Piece(file, count, _digest(self.path / file))

    def piece_of(self, table: str, rows: int) -> Piece:
        return self.piece(_file_of(table), rows)

    def write(self, manifest: Manifest) -> None:
        manifest.finished = now()
        part = self.path / f"{_MANIFEST}.part"
        part.write_text(json.dumps({"format": FORMAT} | asdict(manifest), indent=2) + "\n", encoding="utf-8")
        part.replace(self.path / _MANIFEST)

    def read(self) -> Manifest:
        """Raises Problem: there is no backup, or one of a newer form."""
        try:
            shown: dict[str, Any] = json.loads((self.path / _MANIFEST).read_bytes())
            if shown.pop("format") != FORMAT:
                raise Problem(f"{self.path} was made by a newer version of Guestlist. Use that one.")
            tables = {name: Piece(**piece) for name, piece in shown.pop("tables").items()}
            files = shown.pop("files")
            files = None if files is None else {name: Piece(**piece) for name, piece in files.items()}
            return Manifest(tables=tables, files=files, **shown)
        except FileNotFoundError as e:
            raise Problem(f"{self.path} has no {_MANIFEST}: it is no backup, or one that was broken off.") from e
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as e:
            raise Problem(f"{self.path / _MANIFEST} cannot be read: {e!r}") from e

    def name(self) -> str:
        """What tells this backup from others."""
        return _digest(self.path / _MANIFEST)

    def check(self, manifest: Manifest, tell: Callable[[str], None] = lambda _: None) -> None:
        """Every file is there, unchanged, and can be read to its end.

        Raises:
            Problem: naming the first that is not.
        """
        for piece in [*manifest.tables.values(), *(manifest.files or {}).values()]:
            file = self.path / piece.file
            if not file.resolve().is_relative_to(self.path.resolve()):
                raise Problem(f"{piece.file} is no file of this backup.")
            if not file.is_file():
                raise Problem(f"{file} is missing. Nothing was written.")
            if _digest(file) != piece.sha256:
                raise Problem(f"{file} is damaged: it is not what was backed up. Nothing was written.")
        for table, piece in manifest.tables.items():
            rows = sum(1 for _ in self.rows(table))
            if rows != piece.count:
                raise Problem(f"{self.path / piece.file} has {rows} rows and not {piece.count}. Nothing was written.")
            tell(f"{table}: {rows:,} rows, unchanged")

    def lines(self, table: str) -> Iterator[bytes]:
        """One after the other, without their ends."""
        with gzip.open(self.path / _file_of(table), "rb") as packed:
            for line in packed:
                yield line.rstrip(b"\n")

    def rows(self, table: str) -> Iterator[tuple[Key, bytes]]:
        """Keys and lines. Raises Problem where one is no row."""
        for number, line in enumerate(self.lines(table), 1):
            try:
                yield key_of(from_line(line)), line
            except ValueError as e:
                raise Problem(f"{self.path / _file_of(table)}, line {number}: {e}. Nothing was written.") from e


def _file_of(table: str) -> str:
    return f"tables/{table}.jsonl.gz"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
