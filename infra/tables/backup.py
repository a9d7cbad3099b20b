"""Every table, page by page, into a folder."""

from collections.abc import AsyncIterator, Callable
from urllib.parse import quote

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableEntity

from infra.tables.accounts import Account
from infra.tables.folder import Folder, Manifest, Piece, all_tables, now
from infra.tables.rows import to_line

CONTAINER = "imports"
"""Of the files of imports."""


async def back_up(account: Account, folder: Folder, *, files: bool, tell: Callable[[str], None]) -> Manifest:
    """Raises Problem: the folder is not empty."""
    async for _ in account.tables.list_tables(results_per_page=1):
        break  # who may not read leaves no folder behind
    folder.prepare()
    manifest = Manifest(account.name, now())
    for table in all_tables():
        rows = await _write(account, folder, table)
        manifest.tables[table] = folder.piece_of(table, rows)
        tell(f"{table}: {rows:,} rows")
    if files:
        manifest.files = await _files(account, folder)
        tell(f"{len(manifest.files):,} files of imports")
    folder.write(manifest)
    return manifest


async def rows_of(account: Account, table: str) -> AsyncIterator[TableEntity]:
    """All rows in the order of their keys; none where there is no such table."""
    try:
        async for row in account.tables.get_table_client(table).list_entities():
            yield row
    except ResourceNotFoundError:
        return


async def _write(account: Account, folder: Folder, table: str) -> int:
    count = 0
    with folder.writing(table) as target:
        async for row in rows_of(account, table):
            target.write(to_line(row).encode() + b"\n")
            count += 1
    return count


async def _files(account: Account, folder: Folder) -> dict[str, Piece]:
    container, found = account.blobs.get_container_client(CONTAINER), dict[str, Piece]()
    (folder.path / "files").mkdir()
    try:
        async for blob in container.list_blobs():
            # A name may have what a file's may not.
            file = f"files/{quote(blob.name, safe='')}.bin"
            try:
                stream = await container.download_blob(blob.name)
            except ResourceNotFoundError:
                continue  # its import can no longer be undone since the list was read
            size = 0
            with (folder.path / file).open("wb") as target:
                async for chunk in stream.chunks():
                    size += target.write(chunk)
            found[blob.name] = folder.piece(file, size)
    except ResourceNotFoundError:
        return found
    return found
