"""What was found of people, in Azure Blob Storage for a short time: a blob for each part."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.blob.aio import BlobServiceClient, ContainerClient

from shared.core.ids import SubjectRequestId
from shared.people.model import Page, Person
from shared.storage.accounts import failure, make_container

CONTAINER = "exports"


class BlobExports:
    """Itself one of the `PersonalData`: what was exported is erased, too. All methods raise StorageBusy."""

    kept: Mapping[tuple[str, str], str] = MappingProxyType({})

    def __init__(self, service: BlobServiceClient) -> None:
        self._container: ContainerClient = service.get_container_client(CONTAINER)

    async def write(self, case: SubjectRequestId, part: str, content: Any) -> None:
        """A part, as JSON. The same part again takes the place of the one before."""
        body, name = msgspec.json.encode(content), f"{case}/{part}.json"
        try:
            try:
                await self._container.upload_blob(name, body, overwrite=True)
            except ResourceNotFoundError:
                await make_container(self._container)
                await self._container.upload_blob(name, body, overwrite=True)
        except AzureError as e:
            raise failure(e) from e

    async def read(self, case: SubjectRequestId, prefix: str) -> list[Any]:
        """The parts whose names begin so, in the order of their names."""
        found = [await self._content(name) for name in await self._names(f"{case}/{prefix}")]
        return [msgspec.json.decode(content) for content in found if content is not None]

    async def delete(self, case: SubjectRequestId) -> None:
        """Safe to repeat."""
        for name in await self._names(f"{case}/"):
            await self._delete(name)

    async def page(self, person: Person, after: str | None, stand_in: str | None) -> Page:
        page = Page()
        # To whoever exports, an earlier export tells nothing that is not found where it came from.
        for name in await self._names("") if stand_in is not None else []:
            content = (await self._content(name) or b"").decode()
            if person.mentions().search(content) or any(user in content for user in person.users):
                await self._delete(name)
                page.changed += 1
        return page

    async def _names(self, prefix: str) -> list[str]:
        try:
            return [str(name) async for name in self._container.list_blob_names(name_starts_with=prefix)]
        except ResourceNotFoundError:
            return []
        except AzureError as e:
            raise failure(e) from e

    async def _content(self, name: str) -> bytes | None:
        try:
            return await (await self._container.download_blob(name)).readall()
        except ResourceNotFoundError:
            return None
        except AzureError as e:
            raise failure(e) from e

    async def _delete(self, name: str) -> None:
        try:
            await self._container.delete_blob(name)
        except ResourceNotFoundError:
            return
        except AzureError as e:
            raise failure(e) from e
