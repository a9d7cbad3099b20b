"""A backup into an account: checked whole before anything is written, then written so that a second run ends as one
would have."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Any

from azure.core.exceptions import ResourceExistsError
from azure.data.tables import TableTransactionError, UpdateMode
from azure.data.tables.aio import TableClient

from infra.tables.accounts import Account
from infra.tables.backup import CONTAINER, rows_of
from infra.tables.folder import Folder, Manifest
from infra.tables.problems import Problem
from infra.tables.rows import from_line

AT_ONCE = 8
_MOST_ROWS, _MOST_BYTES = 100, 1_000_000
"""Of a transaction; of the 4 MiB that the service takes, so few that several fit into memory. Source: "Performing
entity group transactions"."""
_EXTRA = 700
"""Bytes that a row has around it in a transaction, at the most."""

type Rows = list[dict[str, Any]]


class Existing(StrEnum):
    """What becomes of rows that are there already, where the backup has rows of the same keys."""

    REPLACE = "replace"
    KEEP = "keep"


async def restore(
    folder: Folder, account: Account, *, existing: Existing | None, tell: Callable[[str], None]
) -> None:
    """Raises Problem: the backup is damaged, or the account is not empty and nobody said what to do about it."""
    manifest = folder.read()
    folder.check(manifest)
    begun = _Begun(folder, account)
    existing = await begun.begin(existing, tell)
    for table, piece in manifest.tables.items():
        client = account.tables.get_table_client(table)
        await account.tables.create_table_if_not_exists(table)
        await _write(client, folder, table, existing)
        tell(f"{table}: {piece.count:,} rows")
    if manifest.files is not None:
        await _files(account, folder, manifest, existing)
        tell(f"{len(manifest.files):,} files of imports")
    begun.end()


class _Begun:
    """A note beside the backup that its restoring into an account has begun: with it a run that was broken off may go
    on, though the account is not empty any more."""

    def __init__(self, folder: Folder, account: Account) -> None:
        self._folder, self._account = folder, account
        self._note: Path = folder.path / f"restoring-into-{account.name}.json"

    async def begin(self, existing: Existing | None, tell: Callable[[str], None]) -> Existing:
        what = {"endpoint": self._account.tables.url, "backup": self._folder.name()}
        try:
            before = json.loads(self._note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            before = {}
        if what.items() <= before.items() and existing in (None, before["existing"]):
            tell("going on with the restoring that was broken off")
            return Existing(before["existing"])
        if existing is None:
            if table := await _first_with_rows(self._account, self._folder.read()):
                raise Problem(
                    f"The storage account '{self._account.name}' is not empty: there are rows in {table}. "
                    "Nothing was written.\n"
                    "To restore into it nevertheless: --into-existing replace (rows of the backup win) or "
                    "--into-existing keep (rows that are there win). Other rows stay in either case."
                )
            existing = Existing.REPLACE
        try:
            self._note.write_text(json.dumps(what | {"existing": existing}), encoding="utf-8")
        except OSError as e:
            raise Problem(f"{self._note} cannot be written: {e.strerror}. A restore makes a note there.") from e
        return existing

    def end(self) -> None:
        self._note.unlink()


async def _first_with_rows(account: Account, manifest: Manifest) -> str | None:
    for table in manifest.tables:
        async for _ in rows_of(account, table):
            return table
    return None


async def _write(client: TableClient, folder: Folder, table: str, existing: Existing) -> None:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(rows: Rows) -> None:
        try:
            await (_replace if existing is Existing.REPLACE else _keep)(client, rows)
        finally:
            gate.release()

    async with asyncio.TaskGroup() as tasks:
        for rows in transactions(folder.lines(table)):
            await gate.acquire()
            tasks.create_task(one(rows))


def transactions(lines: Iterator[bytes]) -> Iterator[Rows]:
    """Rows that lie one after the other in one partition, as many as a transaction takes."""
    rows: Rows = []
    size = 0
    for line in lines:
        row, more = from_line(line), len(line) + _EXTRA
        is_full = len(rows) == _MOST_ROWS or size + more > _MOST_BYTES
        if rows and (is_full or row["PartitionKey"] != rows[0]["PartitionKey"]):
            yield rows
            rows, size = [], 0
        rows.append(row)
        size += more
    if rows:
        yield rows


async def _replace(client: TableClient, rows: Rows) -> None:
    await client.submit_transaction([("upsert", row, {"mode": UpdateMode.REPLACE}) for row in rows])


async def _keep(client: TableClient, rows: Rows) -> None:
    try:
        await client.submit_transaction([("create", row) for row in rows])
    except TableTransactionError as e:
        if e.status_code != 409:
            raise
        for row in rows:
            try:
                await client.create_entity(row)
            except ResourceExistsError:
                continue


async def _files(account: Account, folder: Folder, manifest: Manifest, existing: Existing) -> None:
    container = account.blobs.get_container_client(CONTAINER)
    with suppress(ResourceExistsError):  # the templates made it
        await container.create_container()
    for name, piece in (manifest.files or {}).items():
        with (folder.path / piece.file).open("rb") as source:
            try:
                await container.upload_blob(name, source, overwrite=existing is Existing.REPLACE)
            except ResourceExistsError:
                continue
