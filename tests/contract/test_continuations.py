"""Where one list goes on is no way into another: a continuation says how far somebody came, never in what."""

import base64
import uuid

import pytest
from azure.data.tables.aio import TableServiceClient

from shared.audits.model.records import FindingFilter
from shared.audits.rows.audits import TableAuditStore
from shared.core.errors import Refused
from shared.core.ids import AuditId, GroupId, InvitationId
from shared.core.versions import Versioned
from shared.invitations.rows.store import TableStore
from shared.requests.rows import TableRequestStore
from tests.builders import CHUNK, an_invitation
from tests.contract.test_request_store import pending


@pytest.fixture
def two_groups() -> tuple[GroupId, GroupId]:
    """In the order of their partitions."""
    one, other = sorted(GroupId(str(uuid.uuid4())) for _ in range(2))
    return one, other


async def test_invitations_of_another_group_are_not_read_with_its_continuation(
    tables: TableServiceClient, two_groups: tuple[GroupId, GroupId]
) -> None:
    store = TableStore(tables)
    for group in two_groups:
        await store.accept([an_invitation(n, id=InvitationId(group, CHUNK, n)) for n in range(4)], None)

    for own, other in (two_groups, two_groups[::-1]):
        theirs = (await store.list_group(other, state=None, continuation=None, limit=2)).continuation
        page = await store.list_group(own, state=None, continuation=theirs, limit=10)
        assert {i.id.group for i in page.invitations} == {own}
        assert len(page.invitations) == 2


async def test_requests_of_another_group_are_not_read_with_its_continuation(
    tables: TableServiceClient, two_groups: tuple[GroupId, GroupId]
) -> None:
    store = TableRequestStore(tables)
    for group in two_groups:
        for n in range(4):
            await store.save(Versioned(pending(group, f"guest{n}"), None))

    for own, other in (two_groups, two_groups[::-1]):
        theirs = (await store.list_group(other, state=None, continuation=None, limit=2)).continuation
        page = await store.list_group(own, state=None, continuation=theirs, limit=10)
        assert {r.group for r in page.requests} <= {own}


@pytest.mark.parametrize(
    "place",
    [
        "",
        "x",
        "i-' or PartitionKey ne '",
        f"i-{CHUNK}-00' or '1' eq '1",
        f"i-{CHUNK}-00 @group",
        f"i-{CHUNK}-00\n",
        f"i-{CHUNK}-٠٠",
        f"k-{CHUNK}-00",
        "../i-",
    ],
)
async def test_a_place_that_was_never_given_out_reaches_no_query(
    tables: TableServiceClient, two_groups: tuple[GroupId, GroupId], place: str
) -> None:
    text = base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")
    group, audit = two_groups[0], AuditId(uuid.uuid4().hex[:22])

    for read in (
        TableStore(tables).list_group(group, state=None, continuation=text, limit=5),
        TableRequestStore(tables).list_group(group, state=None, continuation=text, limit=5),
        TableAuditStore(tables).list_findings(audit, FindingFilter(group=group), text, 5),
        TableAuditStore(tables).list_audits(text, 5),
    ):
        with pytest.raises(Refused, match="never given out"):
            await read
