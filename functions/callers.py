"""Who sends a request, and from where."""

import ipaddress
import logging
from collections.abc import Mapping
from urllib.parse import urlsplit

import azure.functions as func

from shared import wiring
from shared.core.caller import Caller
from shared.core.errors import Refused
from shared.core.reasons import Reason

log = logging.getLogger("guestlist")

EASY_AUTH = "x-ms-token-aad-access-token"
"""Where App Service Authentication hands on the access token of whoever is signed in, where it is switched on. It is
verified as any other: where it is not switched on, a client may write the header itself."""
TOKEN_FIELD = "access_token"  # noqa: S105 - a field's name, no secret
"""Field of a form that carries the token instead of the header. Source: RFC 6750, 2.2."""
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


async def caller_of(app: wiring.App, req: func.HttpRequest, form: Mapping[str, str] | None = None) -> Caller:
    """The caller: by the Authorization header, a form's token, or the session of App Service Authentication. Raises
    Refused: as `Callers.authenticate`."""
    authorization: str | None = req.headers.get("authorization")
    if authorization is None and form and form.get(TOKEN_FIELD):
        authorization = f"Bearer {form[TOKEN_FIELD]}"
    if authorization is None and (token := req.headers.get(EASY_AUTH)):
        _require_same_origin(req)
        authorization = f"Bearer {token}"
    return await app.callers.authenticate(authorization)


def source_of(req: func.HttpRequest, trusted_proxies: int) -> str:
    """The network address that a request came from. Of IPv6 the network, which is one household or office.

    Each proxy appends the address that it saw to what a client may have written, so the address that the outermost
    trusted one saw is the `trusted_proxies`-th from the end. Where there are fewer, all are theirs.

    Source: Azure App Service, "Inspect X-Forwarded-For": address and port of the client, by the front end.
    """
    entries = [entry.strip() for entry in (req.headers.get("x-forwarded-for") or "").split(",")]
    log.info("a request came by %d hops, of which %d are trusted", len(entries), trusted_proxies)
    seen = entries[-trusted_proxies:][0]
    host = seen[1:].partition("]")[0] if seen.startswith("[") else seen
    if host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return str(ipaddress.ip_network((address, 64), strict=False))
        address = address.ipv4_mapped
    return str(address)


def _require_same_origin(req: func.HttpRequest) -> None:
    """A session goes with every request of the browser, whichever site made it: another site must not act with it.
    Reading has no effect, and its answer stays with the browser: another site does not see it. Raises Refused
    `token-missing`."""
    if req.method in ("GET", "HEAD"):
        return
    origin, site = req.headers.get("origin"), req.headers.get("sec-fetch-site")
    is_same = site == "same-origin" or (site is None and origin is not None)
    if origin is not None:
        here, there = urlsplit(req.url), urlsplit(origin)
        # Whoever answers for this host without TLS is somebody on the way.
        is_same &= there.netloc == here.netloc and (there.scheme == "https" or there.hostname in _LOOPBACK)
    if not is_same:
        raise Refused(Reason.TOKEN_MISSING, "A page of another site sent this with your session")
