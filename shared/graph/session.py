"""One request to Microsoft Graph, through msgraph-sdk's request adapter.

The adapter brings the SDK's authentication and middleware without its model tree, which costs a cold process
more than a second. Its retry handler is off: it would sleep inside an invocation, and it repeats a POST that
mails; the queue carries Retry-After instead (graph contract "SDK retries").
"""

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import jwt
import msgspec
from azure.core.exceptions import AzureError
from kiota_abstractions.method import Method
from kiota_abstractions.native_response_handler import NativeResponseHandler
from kiota_abstractions.request_information import RequestInformation
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from kiota_http.middleware.options import RedirectHandlerOption, ResponseHandlerOption, RetryHandlerOption
from msgraph_core import BaseGraphRequestAdapter, GraphClientFactory

from shared.core.errors import DirectoryBusy
from shared.graph import paths
from shared.graph.response import Answers, Latency, Response
from shared.telemetry import meters, spans

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

log = logging.getLogger("guestlist")

SCOPE = "https://graph.microsoft.com/.default"
_TIMEOUT = httpx.Timeout(60, connect=10)
_PRESSURE_COUNTS_S = 20.0


class GraphSession:
    """Keeps the connection and the token of one process (one event loop)."""

    def __init__(self, *, base_url: str, credential: "AsyncTokenCredential") -> None:
        self.base_url = base_url.rstrip("/")
        self._credential = credential
        self._pressure = (0.0, 0.0)
        self._latency = Latency()
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        """The time by which what the directory asked for is waited for."""
        self.answers = Answers(lambda: self.now())
        host = urlsplit(self.base_url).hostname or ""
        # Graph's calls that are made here redirect nowhere: where one would, the token stays here.
        options = {
            RetryHandlerOption.get_key(): RetryHandlerOption(max_retries=0, should_retry=False),
            RedirectHandlerOption.get_key(): RedirectHandlerOption(should_redirect=False),
        }
        self._http = GraphClientFactory.create_with_default_middleware(
            client=httpx.AsyncClient(timeout=_TIMEOUT, http2=False), options=options
        )
        self._adapter = BaseGraphRequestAdapter(
            AzureIdentityAuthenticationProvider(credential, scopes=[SCOPE], allowed_hosts=[host]),
            http_client=self._http,
        )
        self._adapter.base_url = self.base_url

    async def request(
        self, method: str, path: str, *, body: Any = None, headers: dict[str, str] | None = None
    ) -> Response:
        """Send one request; `path` follows the version root and is percent-encoded. Never raises for what Graph or
        the network does. Raises Refused `directory-refused`, as nothing is sent to such a path."""
        paths.checked(path)
        if method == "GET" and (refused := self.answers.of(path)) is not None:
            return replace(refused, asked=path)
        since = time.monotonic()
        with spans.graph_call(method, path) as span:
            response = replace(await self._send(method, path, body, headers), asked=path)
            spans.answered(span, response.status, response.request_id)
        if not path.endswith("/$batch"):  # its parts are counted one by one
            meters.graph_answered(response.status)
        elif response.status == 200:
            self._latency.note(time.monotonic() - since)
        self.note_pressure(response.headers)
        if method == "GET":
            self.answers.note(path, response)
        return response

    async def follow(self, link: str, asked: str) -> Response:
        """What a link brings that Graph gave, in an answer to `asked` or in one to the same long ago. Raises Refused
        `directory-refused`, as it leads elsewhere."""
        return await self.request("GET", paths.followed(link, self.base_url, asked))

    async def _send(self, method: str, path: str, body: Any, headers: dict[str, str] | None) -> Response:
        info = RequestInformation()
        info.http_method = Method(method)
        info.url = self.base_url + path
        info.headers.add("Accept", "application/json")
        info.headers.add("client-request-id", str(uuid.uuid4()))
        for name, value in (headers or {}).items():
            info.headers.add(name, value)
        if body is not None:
            info.set_stream_content(msgspec.json.encode(body), "application/json")
        info.add_request_options([ResponseHandlerOption(NativeResponseHandler())])
        try:
            answer: Any = await self._adapter.send_no_response_content_async(info, {})
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as e:
            return _no_answer(e, sent=False)
        except httpx.RequestError as e:
            return _no_answer(e, sent=True)
        except AzureError as e:
            log.error("no token for Microsoft Graph: %s", type(e).__name__)
            return Response(0, sent=False, trouble="Guestlist's identity could not get a token for Microsoft Graph")
        return _response(answer)

    def note_pressure(self, headers: dict[str, str]) -> None:
        """Remember how much of a limit Graph says to be in use; it says so from 0.8 on (graph contract
        "Throttling")."""
        try:
            share = float(headers.get("x-ms-throttle-limit-percentage", ""))
        except ValueError:
            return
        self._pressure = (time.monotonic(), share)
        meters.graph_pressure(share)

    @property
    def pressure(self) -> float:
        """The share of a limit that Graph last said to be in use, 0 where it has said nothing for a while; 1 where it
        answers much more slowly than it usually does."""
        at, share = self._pressure
        said = share if time.monotonic() - at < _PRESSURE_COUNTS_S else 0.0
        return max(said, 1.0 if self._latency.is_much_higher else 0.0)

    async def permissions(self) -> frozenset[str]:
        """The application permissions in the token that Graph is asked with.

        The token is Graph's, and only Graph can tell whether it is good: it is looked into for its ``roles`` alone,
        for a report. A granted permission is in the next token, not in this one. Raises DirectoryBusy: there is no
        token to be had."""
        try:
            token = await self._credential.get_token(SCOPE)
        except AzureError as e:
            raise DirectoryBusy(f"Guestlist's identity could not get a token ({type(e).__name__})") from e
        try:
            claims = jwt.decode(token.token, options={"verify_signature": False})
        except jwt.PyJWTError:
            return frozenset()
        return frozenset(str(r) for r in claims.get("roles") or ())

    async def close(self) -> None:
        await self._http.aclose()
        # The SDK's transport does not hand the closing on to the one it wraps, which holds the connections.
        for outer in (self._http._transport, *self._http._mounts.values()):
            inner = getattr(outer, "transport", None)
            if isinstance(inner, httpx.AsyncBaseTransport):
                await inner.aclose()


def _no_answer(error: Exception, *, sent: bool) -> Response:
    what = "the directory did not answer" if sent else "the directory cannot be reached"
    return Response(0, sent=sent, trouble=f"{what} ({type(error).__name__})")


def _response(answer: httpx.Response) -> Response:
    body = None
    if answer.content:
        try:
            body = msgspec.json.decode(answer.content)
        except msgspec.DecodeError:
            log.warning("the directory answered %d with something that is not JSON", answer.status_code)
    return Response(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, body)
