"""Files in Azure Blob Storage, and those of imports among them."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob.aio import BlobServiceClient

from shared.core.errors import Refused
from shared.core.ids import ImportId
from shared.core.reasons import Reason
from shared.storage.accounts import code_of, translated
from shared.storage.ports import Files

CONTAINER = "imports"
_BEHIND_THE_END = 416
_SUFFIX = ".csv"
_PART_BYTES = 4 * 1024 * 1024


class Container:
    """One container, made when it is first found missing. All methods raise StorageBusy, or StorageRefused where a
    repeat would not help."""

    def __init__(self, service: BlobServiceClient, name: str) -> None:
        self._client = service.get_container_client(name)

    async def write(self, name: str, content: bytes) -> None:
        """Whatever was there."""
        with translated():
            try:
                await self._client.upload_blob(name, content, overwrite=True, max_concurrency=2)
            except ResourceNotFoundError:
                await self._make()
                await self._client.upload_blob(name, content, overwrite=True, max_concurrency=2)

    async def read(self, name: str, offset: int | None = None, length: int | None = None) -> bytes | None:
        """None where there is none; nothing behind its end."""
        with translated(ResourceNotFoundError):
            try:
                return await (await self._client.download_blob(name, offset=offset, length=length)).readall()
            except HttpResponseError as e:
                if e.status_code != _BEHIND_THE_END:
                    raise
                return b""
        return None

    async def delete(self, name: str) -> None:
        """Safe to repeat."""
        with translated(ResourceNotFoundError):
            await self._client.delete_blob(name)

    async def names(self, prefix: str = "") -> AsyncIterator[str]:
        """In their order."""
        with translated(ResourceNotFoundError):
            async for name in self._client.list_blob_names(name_starts_with=prefix):
                yield str(name)

    async def patch(self, name: str, edits: Sequence[tuple[int, bytes]]) -> None:
        """Write bytes over those at each offset, all or nothing. What is gone is left alone."""
        blob = self._client.get_blob_client(name)
        with translated(ResourceNotFoundError):
            facts = await blob.get_blob_properties()
            guard: dict[str, Any] = {"etag": facts.etag, "match_condition": MatchConditions.IfNotModified}

            async def patched() -> AsyncIterator[bytes]:
                # What is read is the file as it was: the new one takes its place when all of it is there.
                for offset in range(0, facts.size, _PART_BYTES):
                    stream = await blob.download_blob(offset=offset, length=_PART_BYTES, **guard)
                    yield _with(await stream.readall(), offset, edits)

            await blob.upload_blob(patched(), length=facts.size, overwrite=True, **guard)

    async def _make(self) -> None:
        try:
            await self._client.create_container()
        except ResourceExistsError:
            return
        except HttpResponseError as e:
            if code_of(e) != "ContainerAlreadyExists":
                raise


class BlobFiles(Files):
    """One blob an import."""

    def __init__(self, service: BlobServiceClient) -> None:
        self._blobs = Container(service, CONTAINER)

    async def write(self, import_id: ImportId, content: bytes) -> None:
        await self._blobs.write(_name(import_id), content)

    async def read(self, import_id: ImportId, offset: int, length: int) -> bytes:
        found = await self._blobs.read(_name(import_id), offset, length)
        if found is None:
            raise Refused(Reason.FILE_GONE)
        return found

    async def delete(self, import_id: ImportId) -> None:
        await self._blobs.delete(_name(import_id))

    async def after(self, import_id: ImportId | None) -> ImportId | None:
        """The file that follows that one in the order of their ids; None behind the last."""
        async for name in self._blobs.names():
            found = ImportId(name.removesuffix(_SUFFIX))
            if import_id is None or found > import_id:
                return found
        return None

    async def patch(self, import_id: ImportId, edits: Sequence[tuple[int, bytes]]) -> None:
        """As `Container.patch`."""
        await self._blobs.patch(_name(import_id), edits)


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
