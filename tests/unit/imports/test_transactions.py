"""Chunks that are written together: within what a transaction takes, none left out."""

from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from shared.core.addresses import parse_address
from shared.core.ids import ChunkId, GroupId, InvitationId
from shared.core.reasons import Reason
from shared.imports.model.imports import in_transactions
from shared.invitations.model.invitations import Invitation, failed
from tests.builders import NOW, an_invitation

guests = st.tuples(st.integers(0, 40), st.booleans(), st.booleans())
chunks_of_guests = st.lists(st.tuples(st.sampled_from("gh"), st.lists(guests, min_size=1, max_size=20)), max_size=12)


def _chunk(n: int, group: str, rows: list[tuple[int, bool, bool]]) -> list[Invitation]:
    def one(position: int, who: int, is_final: bool, expires: bool) -> Invitation:
        invitation = an_invitation(
            id=InvitationId(GroupId(group), ChunkId(f"{n:022x}"), position),
            address=parse_address(f"g{who}@fabrikam.com"),
        )
        invitation = replace(invitation, expires=date(2030, 1, 1) if expires else None)
        return failed(invitation, Reason.DUPLICATE_IN_FILE, None, NOW) if is_final else invitation

    return [one(position, *row) for position, row in enumerate(rows)]


@given(chunks_of_guests)
def test_every_chunk_is_written_once_in_a_transaction_that_takes_it(found: list[tuple[str, list]]) -> None:  # type: ignore[type-arg]
    chunks = [_chunk(n, group, rows) for n, (group, rows) in enumerate(found)]

    transactions = list(in_transactions(chunks))

    assert [chunk for together in transactions for chunk in together] == chunks
    for together in transactions:
        assert len({chunk[0].id.group for chunk in together}) == 1
        under_way = [i for chunk in together for i in chunk if not i.is_final]
        marks = len({i.id.chunk for i in under_way})
        rows = sum(len(chunk) for chunk in together)
        assert rows + len(under_way) + sum(1 for i in under_way if i.expires) + marks + 1 <= 100
        if len(together) > 1:
            assert sum(len({i.address.key for i in c if not i.is_final}) for c in together) == len(
                {i.address.key for i in under_way}
            ), "one address has one guard in a transaction"


def test_two_whole_chunks_fit_into_one() -> None:
    chunks = [_chunk(n, "g", [(20 * n + k, False, False) for k in range(20)]) for n in range(4)]

    assert [len(together) for together in in_transactions(chunks)] == [2, 2]
