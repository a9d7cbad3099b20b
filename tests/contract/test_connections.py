"""Connections to storage are found in the settings as the Functions host finds those of its bindings."""

from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.credentials_async import AsyncTokenCredential

from shared.storage.accounts import StorageNotSet, queue_service, table_service

KEY = "AccountName=contoso;AccountKey=a2V5;DefaultEndpointsProtocol=https;EndpointSuffix=core.windows.net"
TABLES, QUEUES = "https://contoso.table.core.windows.net", "https://contoso.queue.core.windows.net"
ELSEWHERE = {"X__tableServiceUri": "https://t.example", "X__queueServiceUri": "https://q.example"}


class Identity(AsyncTokenCredential):
    """A credential that is never asked for a token here."""

    def __init__(self, client_id: str | None) -> None:
        self.client_id = client_id

    async def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
        raise AssertionError("opening a connection asks for no token")

    async def close(self) -> None:
        return

    async def __aexit__(self, *args: object) -> None:
        return


@pytest.mark.parametrize(
    ("env", "tables", "queues"),
    [
        ({"X": KEY}, TABLES, QUEUES),
        ({"X__accountName": "contoso"}, TABLES, QUEUES),
        (ELSEWHERE, "https://t.example", "https://q.example"),
        (ELSEWHERE | {"X__accountName": "contoso"}, "https://t.example", "https://q.example"),
        ({"X": KEY} | ELSEWHERE, TABLES, QUEUES),
        (
            {"X": "UseDevelopmentStorage=true"},
            "http://127.0.0.1:10002/devstoreaccount1",
            "http://127.0.0.1:10001/devstoreaccount1",
        ),
    ],
    ids=["connection string", "account", "addresses", "addresses first", "connection string first", "development"],
)
async def test_a_connection_is_found(env: dict[str, str], tables: str, queues: str) -> None:
    async with table_service(env, "X", Identity) as of_tables, queue_service(env, "X", Identity) as of_queues:
        assert (of_tables.url.rstrip("/"), of_queues.url.rstrip("/")) == (tables, queues)


@pytest.mark.parametrize(("more", "client_id"), [({}, None), ({"X__clientId": "id1"}, "id1")])
async def test_an_identity_is_used_where_no_key_is_given(more: dict[str, str], client_id: str | None) -> None:
    made: list[str | None] = []

    def make(client_id: str | None) -> Identity:
        made.append(client_id)
        return Identity(client_id)

    env = {"X__accountName": "contoso", "X__credential": "managedidentity", **more}
    async with table_service(env, "X", make), queue_service(env, "X", make):
        assert made == [client_id, client_id]


@pytest.mark.parametrize("env", [{}, {"X": ""}, {"Y": KEY}, {"X__blobServiceUri": "https://b.example"}])
def test_a_connection_that_is_not_set_is_named_with_what_to_set(env: dict[str, str]) -> None:
    with pytest.raises(StorageNotSet, match="set X to a connection string, or X__tableServiceUri"):
        table_service(env, "X", Identity)
    with pytest.raises(StorageNotSet, match="X__queueServiceUri"):
        queue_service(env, "X", Identity)
