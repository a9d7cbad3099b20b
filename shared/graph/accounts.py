"""Finding the account that has a guest's address."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from shared.core.addresses import Address
from shared.core.errors import DirectoryBusy
from shared.core.ids import UserId
from shared.core.results import Account, Busy, FindAnswer, Lookalike, NotFound
from shared.graph import batch
from shared.graph.batch import Part
from shared.graph.filters import equals, fits
from shared.graph.on_graph import OnGraph
from shared.graph.pages import all_pages
from shared.graph.response import Response
from shared.graph.session import GraphSession

_FIELDS = "id,userType,accountEnabled,externalUserState,mail,otherMails,proxyAddresses,identities,createdDateTime"


class Accounts(OnGraph):
    async def find(self, addresses: Sequence[Address]) -> list[FindAnswer]:
        """One ``$batch`` of plain filters: the index of advanced queries lags behind writes (graph contract
        "Users")."""
        parts = [Part("GET", f"/users?$filter={_filter(a)}&$select={_FIELDS}") for a in addresses]
        answers = await batch.send(self._session, parts)
        return [await _account(self._session, a, answer) for a, answer in zip(addresses, answers, strict=True)]


def _filter(address: Address) -> str:
    """Mail, other mails and proxy addresses: a mail contact with the guest's address leaves the proxy
    addresses empty (graph contract "Pitfalls"). Both forms of an internationalized domain are asked for. The
    alternatives stand side by side: one inside a lambda would be a level too many for the directory."""
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
    return _is_among((user.get("mail"), *(user.get("otherMails") or ()), *_proxies(user)), address)


async def _account(session: GraphSession, address: Address, response: Response) -> FindAnswer:
    try:
        found = [u for u in await all_pages(session, response, "User.Read.All") if _has(u, address)]
    except DirectoryBusy as e:
        return Busy(e.retry_after)
    if not found:
        return NotFound()
    # `mail` is not unique: several accounts may have the address (graph contract "Pitfalls", "Duplicate mail
    # values").
    if own := [_read(user) for user in found if _is_own(user, address)]:
        return min(own, key=lambda a: (not a.is_guest, a.pending))
    where = "otherMails" if any(_is_among(u.get("otherMails"), address) for u in found) else "proxyAddresses"
    return Lookalike(frozenset(UserId(u["id"].lower()) for u in found), where)


def _is_own(user: dict[str, Any], address: Address) -> bool:
    """Anybody who may edit an account can write other mails into it, and proxy addresses of a guest are what was its
    mail once: whoever has them need not be who reads the address's mail. An alias of a colleague's mailbox is given
    by an administrator, and the directory's own invitation finds it as well (graph contract "Invitations")."""
    own = [user.get("mail"), *(i.get("issuerAssignedId") for i in user.get("identities") or ())]
    if user.get("userType") != "Guest":
        own += _proxies(user)
    return _is_among(own, address)


def _is_among(addresses: Iterable[Any] | None, address: Address) -> bool:
    known = {str(a).lower() for a in addresses or ()}
    return any(form.lower() in known for form in _forms(address))


def _proxies(user: dict[str, Any]) -> list[str]:
    return [str(p).partition(":")[2] for p in user.get("proxyAddresses") or ()]


def _read(user: dict[str, Any]) -> Account:
    return Account(
        id=UserId(user["id"].lower()),
        is_guest=user.get("userType") == "Guest",
        enabled=user.get("accountEnabled") is not False,
        pending=user.get("externalUserState") == "PendingAcceptance",
        created_at=datetime.fromisoformat(created) if (created := user.get("createdDateTime")) else None,
    )
