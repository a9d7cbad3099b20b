"""What was found of people, in Azure Blob Storage for a short time: a blob for each part."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from azure.storage.blob.aio import BlobServiceClient

from shared.core.ids import SubjectRequestId
from shared.people.model import Page, Person
from shared.storage.files import Container

CONTAINER = "exports"


class BlobExports:
    """Itself one of the `PersonalData`: what was exported is erased, too. All methods raise StorageBusy."""

    kept: Mapping[tuple[str, str], str] = MappingProxyType({})

    def __init__(self, service: BlobServiceClient) -> None:
        self._blobs = Container(service, CONTAINER)

    async def write(self, case: SubjectRequestId, part: str, content: Any) -> None:
        """A part, as JSON. The same part again takes the place of the one before."""
        await self._blobs.write(f"{case}/{part}.json", msgspec.json.encode(content))

    async def read(self, case: SubjectRequestId, prefix: str) -> list[Any]:
        """The parts whose names begin so, in the order of their names."""
        found = [await self._blobs.read(name) async for name in self._blobs.names(f"{case}/{prefix}")]
        return [msgspec.json.decode(content) for content in found if content is not None]

    async def delete(self, case: SubjectRequestId) -> None:
        """Safe to repeat."""
        for name in [name async for name in self._blobs.names(f"{case}/")]:
            await self._blobs.delete(name)

    async def page(self, person: Person, after: str | None, stand_in: str | None) -> Page:
        page = Page()
        if stand_in is None:
            return page  # To whoever exports, an earlier export tells nothing that is not found where it came from.
        for name in [name async for name in self._blobs.names()]:
            content = (await self._blobs.read(name) or b"").decode()
            if person.mentions().search(content) or any(user in content for user in person.users):
                await self._blobs.delete(name)
                page.changed += 1
        return page
