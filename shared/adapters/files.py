"""The files of imports in Azure Blob Storage."""

from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob.aio import BlobServiceClient, ContainerClient

from shared.adapters.storage import code_of, failure
from shared.domain.errors import Refused
from shared.domain.import_ids import ImportId
from shared.domain.reasons import Reason
from shared.ports.files import Files

CONTAINER = "imports"
_BEHIND_THE_END = 416


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
                await self._make()
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

    async def _make(self) -> None:
        try:
            await self._container.create_container()
        except ResourceExistsError:
            return
        except HttpResponseError as e:
            if code_of(e) != "ContainerAlreadyExists":
                raise

    async def close(self) -> None:
        await self._service.close()


def _name(import_id: ImportId) -> str:
    return f"{import_id}.csv"
