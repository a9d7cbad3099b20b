"""Finding the account that has a guest's address."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from shared.adapters.directory import batch
from shared.adapters.directory.batch import Part
from shared.adapters.directory.filters import equals, fits
from shared.adapters.directory.pages import all_pages
from shared.adapters.directory.session import GraphSession, Response
from shared.domain.addresses import Address
from shared.domain.answers import Account, Busy, FindAnswer, NotFound
from shared.domain.errors import DirectoryBusy
from shared.domain.ids import UserId

_FIELDS = "id,userType,accountEnabled,externalUserState,mail,otherMails,proxyAddresses,createdDateTime"


async def find(session: GraphSession, addresses: Sequence[Address]) -> list[FindAnswer]:
    """One ``$batch`` of plain filters: the index of advanced queries lags behind writes (graph contract 1.3)."""
    if not addresses:
        return []
    parts = [Part("GET", f"/users?$filter={_filter(a)}&$select={_FIELDS}") for a in addresses]
    answers = await batch.send(session, parts)
    return [await _account(session, a, answer) for a, answer in zip(addresses, answers, strict=True)]


def _filter(address: Address) -> str:
    """Mail, other mails and proxy addresses: a mail contact with the guest's address leaves the proxy
    addresses empty (graph contract 4). Both forms of an internationalized domain are asked for. The alternatives
    stand side by side: one inside a lambda would be a level too many for the directory."""
    clauses = []
    for form in _forms(address):
        clauses += [
            equals("mail", form),
            f"otherMails/any(o:{equals('o', form)})",
            f"proxyAddresses/any(p:{equals('p', f'SMTP:{form}')})",
            f"proxyAddresses/any(p:{equals('p', f'smtp:{form}')})",
        ]
    return quote(" or ".join(clauses), safe="")


def _forms(address: Address) -> list[str]:
    return list(dict.fromkeys((address.wire, address.text)))


def _has(user: dict[str, Any], address: Address) -> bool:
    """An address too long for the filter is found by its beginning."""
    if all(fits(f"SMTP:{form}") for form in _forms(address)):
        return True
    proxies = (str(p).partition(":")[2] for p in user.get("proxyAddresses") or ())
    known = {str(a).lower() for a in (user.get("mail"), *(user.get("otherMails") or ()), *proxies)}
    return any(form.lower() in known for form in _forms(address))


async def _account(session: GraphSession, address: Address, response: Response) -> FindAnswer:
    try:
        found = [u for u in await all_pages(session, response, "Directory.Read.All") if _has(u, address)]
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
