"""Finding the account that has a guest's address."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from shared.adapters.directory import batch
from shared.adapters.directory.batch import Part
from shared.adapters.directory.pages import all_pages
from shared.adapters.directory.session import GraphSession, Response
from shared.domain.addresses import Address
from shared.domain.answers import Account, Busy, FindAnswer, NotFound
from shared.domain.errors import DirectoryBusy
from shared.domain.ids import UserId

_FIELDS = "id,userType,accountEnabled,externalUserState,mail,createdDateTime"


async def find(session: GraphSession, addresses: Sequence[Address]) -> list[FindAnswer]:
    """One ``$batch`` of plain filters: the index of advanced queries lags behind writes (graph contract 1.3)."""
    if not addresses:
        return []
    parts = [Part("GET", f"/users?$filter={_filter(a)}&$select={_FIELDS}") for a in addresses]
    return [await _account(session, answer) for answer in await batch.send(session, parts)]


def _filter(address: Address) -> str:
    """Mail, other mails and proxy addresses: a mail contact with the guest's address leaves the proxy
    addresses empty (graph contract 4). Both forms of an internationalized domain are asked for."""
    clauses = []
    for form in dict.fromkeys((address.wire, address.text)):
        text = form.replace("'", "''")
        clauses += [
            f"mail eq '{text}'",
            f"otherMails/any(o:o eq '{text}')",
            f"proxyAddresses/any(p:p eq 'SMTP:{text}' or p eq 'smtp:{text}')",
        ]
    return quote(" or ".join(clauses), safe="")


async def _account(session: GraphSession, response: Response) -> FindAnswer:
    try:
        found = await all_pages(session, response, "Directory.Read.All")
    except DirectoryBusy as e:
        return Busy(e.retry_after)
    if not found:
        return NotFound()
    # `mail` is not unique: several accounts may have the address (graph contract 4, "Duplicate mail values").
    return min((_read(user) for user in found), key=lambda a: (not a.is_guest, a.pending))


def _read(user: dict[str, Any]) -> Account:
    return Account(
        id=UserId(user["id"].lower()),
        is_guest=user.get("userType") == "Guest",
        enabled=user.get("accountEnabled") is not False,
        pending=user.get("externalUserState") == "PendingAcceptance",
        created_at=datetime.fromisoformat(created) if (created := user.get("createdDateTime")) else None,
    )
