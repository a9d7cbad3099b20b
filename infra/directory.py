"""The few calls to Microsoft Graph that granting permissions takes, as the administrator who is signed in."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from infra.sign_in import Failed

GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"
"""Of Microsoft Graph itself, in every tenant."""
_DONE_BEFORE, _NOT_THERE_YET = "already exists", "not a valid reference update"
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_LONGEST_PAUSE_S = 15.0


@dataclass(frozen=True, slots=True)
class Principal:
    """A service principal: what an app or a managed identity is in the tenant."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Held:
    """A permission that an identity holds; `id` is that of the assignment."""

    id: str
    permission: str


class TenantDirectory:
    """Waits, `patience_s` in all, where the directory lags or throttles: an identity made a moment ago is not seen
    everywhere at once."""

    def __init__(self, http: httpx.Client, graph_url: str, token: Callable[[], str], *, patience_s: float) -> None:
        self._http, self._url, self._token = http, graph_url.rstrip("/"), token
        self._until = time.monotonic() + patience_s
        self._roles: dict[str, str] = {}
        self._graph = ""

    def open(self) -> None:
        """Read Graph's own service principal: which permissions there are."""
        found = self._need("GET", f"/servicePrincipals(appId='{GRAPH_APP_ID}')?$select=id,appRoles").json()
        self._graph = str(found["id"])
        self._roles = {
            str(role["value"]): str(role["id"])
            for role in found.get("appRoles") or ()
            if role.get("value") and "Application" in (role.get("allowedMemberTypes") or ())
        }

    def identity(self, id_: str) -> Principal:
        """The service principal of a client id or object id; waited for where it is not there yet."""
        if not _GUID.fullmatch(id_):
            raise Failed(f"'{id_}' is no client id and no object id: a GUID is needed")
        pause_s = 1.0
        while True:
            for path in (f"/servicePrincipals(appId='{id_}')", f"/servicePrincipals/{id_}"):
                answer = self._ask("GET", f"{path}?$select=id,displayName")
                if answer.status_code == 200:
                    found = answer.json()
                    return Principal(str(found["id"]), str(found.get("displayName") or id_))
                if answer.status_code != 404:
                    raise _failed(answer)
            if not self._pause(pause_s):
                raise Failed(
                    f"No service principal of the id {id_} is in this tenant. Give the client id of the managed "
                    "identity (az identity show --query clientId), and see that you are signed in to its tenant"
                )
            pause_s *= 2

    def held(self, of: Principal) -> list[Held]:
        """What the identity may do in Graph, read to the last page."""
        names = {id_: name for name, id_ in self._roles.items()}
        found: list[Held] = []
        path: str | None = f"/servicePrincipals/{of.id}/appRoleAssignments"
        while path:
            page = self._need("GET", path).json()
            found += [
                Held(str(a["id"]), names.get(str(a["appRoleId"]), str(a["appRoleId"])))
                for a in page.get("value") or ()
                if str(a.get("resourceId")).lower() == self._graph.lower()
            ]
            path = page.get("@odata.nextLink")
        return found

    def grant(self, of: Principal, permission: str) -> None:
        """Safe to repeat.

        Source: Microsoft Graph, "Grant an appRoleAssignment to a service principal".
        """
        if permission not in self._roles:
            raise Failed(f"This cloud's Microsoft Graph has no application permission {permission}")
        body = {"principalId": of.id, "resourceId": self._graph, "appRoleId": self._roles[permission]}
        pause_s = 1.0
        while True:
            answer = self._ask("POST", f"/servicePrincipals/{of.id}/appRoleAssignments", body)
            said = _words(answer).lower()
            if answer.status_code == 201 or (answer.status_code == 400 and _DONE_BEFORE in said):
                return
            lags = answer.status_code == 404 or (answer.status_code == 400 and _NOT_THERE_YET in said)
            if not lags or not self._pause(pause_s):
                raise _failed(answer)
            pause_s *= 2

    def revoke(self, of: Principal, held: Held) -> None:
        """Safe to repeat."""
        answer = self._ask("DELETE", f"/servicePrincipals/{of.id}/appRoleAssignments/{quote(held.id, safe='')}")
        if answer.status_code not in (204, 404):
            raise _failed(answer)

    def _need(self, method: str, path: str) -> httpx.Response:
        answer = self._ask(method, path)
        if answer.status_code != 200:
            raise _failed(answer)
        return answer

    def _ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """The answer, after waiting out a directory that throttles or is down."""
        address = path if path.startswith("http") else self._url + path
        if urlsplit(address).netloc != urlsplit(self._url).netloc:
            raise Failed(f"The directory led to another host: {urlsplit(address).netloc}")
        pause_s = 1.0
        while True:
            try:
                headers = {"Authorization": f"Bearer {self._token()}"}
                answer = self._http.request(method, address, json=body, headers=headers)
            except httpx.HTTPError as e:
                if not self._pause(pause_s):
                    raise Failed(f"Microsoft Graph cannot be reached ({type(e).__name__})") from e
            else:
                after = answer.headers.get("Retry-After", "")
                if answer.status_code not in (429, 500, 502, 503, 504):
                    return answer
                if not self._pause(max(pause_s, float(after) if after.isdecimal() else 0.0)):
                    raise _failed(answer)
            pause_s *= 2

    def _pause(self, wanted_s: float) -> bool:
        """False where there is no time left."""
        left = self._until - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(wanted_s, left, _LONGEST_PAUSE_S))
        return True


def _words(answer: httpx.Response) -> str:
    try:
        found = answer.json()["error"]
        return f"{found.get('code')}: {found.get('message')}"
    except (ValueError, KeyError, TypeError, AttributeError):
        return answer.text[:200]


def _failed(answer: httpx.Response) -> Failed:
    if answer.status_code == 403:
        return Failed(
            "You may not do this. A Privileged Role Administrator (or Global Administrator) of the tenant grants "
            f"permissions on Microsoft Graph. The directory said: {_words(answer)}"
        )
    if answer.status_code == 401:
        return Failed(
            f"The directory does not accept the sign-in: run 'az login' again. The directory said: {_words(answer)}"
        )
    return Failed(f"The directory refused ({answer.status_code}). {_words(answer)}")
