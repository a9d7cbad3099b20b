"""The files of imports in Azure Blob Storage."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.storage.blob.aio import BlobServiceClient, ContainerClient

from shared.core.errors import Refused
from shared.core.ids import ImportId
from shared.core.reasons import Reason
from shared.storage.accounts import failure, make_container
from shared.storage.ports.files import Files

CONTAINER = "imports"
_BEHIND_THE_END = 416
_SUFFIX = ".csv"
_PART_BYTES = 4 * 1024 * 1024


class BlobFiles(Files):
    """One blob an import, in a container of its own."""

    def __init__(self, service: BlobServiceClient) -> None:
        self._service = service
        self._container: ContainerClient = service.get_container_client(CONTAINER)

    async def write(self, import_id: ImportId, content: bytes) -> None:
        blob = self._container.get_blob_client(_name(import_id))
        try:
            try:
                await blob.upload_blob(content, overwrite=True, max_concurrency=2)
            except ResourceNotFoundError:
                await make_container(self._container)
                await blob.upload_blob(content, overwrite=True, max_concurrency=2)
        except AzureError as e:
            raise failure(e) from e

    async def read(self, import_id: ImportId, offset: int, length: int) -> bytes:
        blob = self._container.get_blob_client(_name(import_id))
        try:
            stream = await blob.download_blob(offset=offset, length=length)
            return await stream.readall()
        except ResourceNotFoundError as e:
            raise Refused(Reason.FILE_GONE) from e
        except HttpResponseError as e:
            if e.status_code == _BEHIND_THE_END:
                return b""
            raise failure(e) from e
        except AzureError as e:
            raise failure(e) from e

    async def delete(self, import_id: ImportId) -> None:
        try:
            await self._container.delete_blob(_name(import_id))
        except ResourceNotFoundError:
            return
        except AzureError as e:
            raise failure(e) from e

    async def after(self, import_id: ImportId | None) -> ImportId | None:
        """The file that follows that one in the order of their ids; None behind the last."""
        try:
            async for blob in self._container.list_blob_names():
                found = ImportId(str(blob).removesuffix(_SUFFIX))
                if import_id is None or found > import_id:
                    return found
        except ResourceNotFoundError:
            return None
        except AzureError as e:
            raise failure(e) from e
        return None

    async def patch(self, import_id: ImportId, edits: Sequence[tuple[int, bytes]]) -> None:
        """Write bytes over those at each offset, all or nothing. A file that is gone is left alone."""
        blob = self._container.get_blob_client(_name(import_id))
        try:
            facts = await blob.get_blob_properties()
            guard: dict[str, Any] = {"etag": facts.etag, "match_condition": MatchConditions.IfNotModified}

            async def patched() -> AsyncIterator[bytes]:
                # What is read is the file as it was: the new one takes its place when all of it is there.
                for offset in range(0, facts.size, _PART_BYTES):
                    stream = await blob.download_blob(offset=offset, length=_PART_BYTES, **guard)
                    yield _with(await stream.readall(), offset, edits)

            await blob.upload_blob(patched(), length=facts.size, overwrite=True, **guard)
        except ResourceNotFoundError:
            return
        except AzureError as e:
            raise failure(e) from e

    async def close(self) -> None:
        await self._service.close()


def _name(import_id: ImportId) -> str:
    return f"{import_id}{_SUFFIX}"


def _with(part: bytes, offset: int, edits: Sequence[tuple[int, bytes]]) -> bytes:
    """A part of a file that begins at an offset, with those edits that reach into it."""
    found = bytearray(part)
    for at, content in edits:
        first, end = max(at, offset), min(at + len(content), offset + len(part))
        if first < end:
            found[first - offset : end - offset] = content[first - at : end - at]
    return bytes(found)
