"""A person's data over HTTP, with real queues: an export, and an erasure of the same guest."""

import uuid
from typing import Any

from azure.data.tables import TableServiceClient

from tests.integration.conftest import ADMIN, Tenant, eventually


def case_of(tenant: Tenant, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    """Ask, and wait for the end."""
    admin = tenant.caller(ADMIN)
    asked = admin.post(f"/api/people/{kind}", json=body)
    assert asked.status_code == 202, asked.text
    location = asked.headers["location"]
    assert location == f"/api/people/{kind}/{asked.json()['id']}"

    def ended() -> dict[str, Any] | None:
        answer = admin.get(location)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found if found["state"] != "running" else None

    found = eventually(ended)
    assert found is not None
    return found


def rows_with(tenant: Tenant, text: str) -> list[str]:
    with TableServiceClient.from_connection_string(tenant.stack.azurite.connection_string) as service:
        return [
            f"{table.name} {row['PartitionKey']} {row['RowKey']}"
            for table in service.list_tables()
            for row in service.get_table_client(table.name).list_entities()
            if text in str(dict(row)).lower()
        ]


def test_a_guest_is_exported_then_erased_and_the_invitation_tells_of_nobody(tenant: Tenant) -> None:
    address = f"ada-{uuid.uuid4().hex[:10]}@fabrikam.com"
    invitation = tenant.invite(address, displayName="Ada Lovelace", welcomeMessage="Dear Ada")
    tenant.end_of(invitation)

    exported = case_of(tenant, "exports", {"address": address.upper()})

    assert exported["state"] == "done", exported
    assert exported["person"]["addresses"] == [address]
    [invited] = [r for p in exported["data"] for r in p["records"] if r["what"] == "an invitation"]
    assert (invited["role"], invited["fields"]["Message"]) == ("the guest", "Dear Ada")
    assert invited["labels"]["DisplayName"] == "display name"

    rehearsed = case_of(tenant, "erasures", {"address": address})
    assert (rehearsed["isDryRun"], rehearsed["state"]) == (True, "done")
    assert tenant.see(invitation)["address"] == address

    erased = case_of(tenant, "erasures", {"address": address, "confirm": True})

    assert erased["state"] == "done", erased
    assert "an invitation" in {each["what"] for each in erased["kept"]}
    assert tenant.see(invitation)["address"] == "erased"
    assert tenant.see(invitation)["displayName"] is None
    assert rows_with(tenant, address) == []
    assert address not in str(erased)
