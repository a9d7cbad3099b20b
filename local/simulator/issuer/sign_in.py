"""Where people sign in: the authorization endpoint, the page for a device's code, and signing out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from .grants import person_scope, sign_in
from .issuer import Issuer
from .people import Client, Person
from .refusal import Refusal

_RESPONSE_MODES = ("query", "fragment", "form_post")
_FROM_THE_PERSON = ("username", "password", "user_code")
_PAGE = Template(Path(__file__).with_name("page.html").read_text(encoding="utf-8").strip())
_SIGN_IN = """\
<form method="post">{hidden}{field}\
<p><label for="username">User name</label>\
<input id="username" name="username" autocomplete="username" required value="{hint}"></p>\
<p><label for="password">Password</label>\
<input id="password" name="password" type="password" autocomplete="current-password" required></p>\
<p><button>Sign in</button></p></form>"""
_PERSON = '<li><form method="post">{hidden}<button>{name}<br><small>{username}</small></button></form></li>'
_CODE = """\
<p><label for="user_code">Code shown by the device</label>\
<input id="user_code" name="user_code" autocomplete="off" required value="{code}"></p>"""


class SignIn:
    """The pages of one issuer. Nobody stays signed in: each request asks anew."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer

    async def authorize(self, request: web.Request) -> web.Response:
        """The authorization endpoint: a page at first, then back to the app with a code.

        An unknown client or redirect address is never redirected to: that would make this an open redirector.
        """
        form = await read_form(request)
        asked = {name: value for name, value in {**request.query, **form}.items() if name not in _FROM_THE_PERSON}
        try:
            client = self._known_client(asked)
        except Refusal as refusal:
            title = "Sorry, but we’re having trouble signing you in"
            return _page(title, _alert(refusal.description), status=400)
        try:
            self._check(asked)
            if request.method == "POST":
                person = sign_in(self._issuer, form.get("username", ""), form.get("password", ""))
                return _reply(asked, {"code": self._issuer.codes.give(asked, person.username)})
        except Refusal as refusal:
            if refusal.code != 50126:
                return _reply(asked, {"error": refusal.error, "error_description": refusal.description})
            problem: str | None = refusal.text
        else:
            problem = None
        hint = form.get("username") or asked.get("login_hint", "")
        people = self._offered()
        return _sign_in_page(f"Sign in to {client.name}", asked, people, hint=hint, problem=problem)

    async def device(self, request: web.Request) -> web.Response:
        """Takes the code that a device shows, and a person's sign-in for it."""
        form = await read_form(request)
        problem: str | None = None
        if request.method == "POST":
            try:
                person = sign_in(self._issuer, form.get("username", ""), form.get("password", ""))
            except Refusal as refusal:
                problem = refusal.text
            else:
                if self._issuer.devices.approve(form.get("user_code", ""), person.username):
                    return _page("You have signed in", "<p>You may close this window now.</p>")
                problem = "That code didn't work. Check the code and try again."
        code = form.get("user_code") or request.query.get("user_code", "")
        return _sign_in_page("Enter code", {}, (), field=_CODE.format(code=escape(code)), problem=problem)

    async def sign_out(self, request: web.Request) -> web.Response:
        """Back to the app where it asks for that and the address is registered."""
        address = request.query.get("post_logout_redirect_uri", "")
        client = self._issuer.people.find_client(request.query.get("client_id", ""))
        if client is not None and _is_registered(address, client):
            return web.Response(status=302, headers={"Location": address})
        return _page("You signed out of your account")

    def _offered(self) -> Sequence[Person]:
        offer = getattr(self._issuer.people, "sample_people", None)
        return tuple(offer()) if offer is not None else ()

    def _known_client(self, asked: Mapping[str, str]) -> Client:
        client = self._issuer.need_client(asked.get("client_id", ""))
        if not _is_registered(asked.get("redirect_uri", ""), client):
            raise Refusal("address not registered", address=asked.get("redirect_uri", ""), client=client.client_id)
        return client

    def _check(self, asked: Mapping[str, str]) -> None:
        """Raises Refusal for a request that the app, not the person, must mend."""
        if asked.get("response_mode", "query") not in _RESPONSE_MODES:
            raise Refusal("response mode unknown", mode=asked["response_mode"])
        if asked.get("response_type") != "code":
            raise Refusal("response type unknown")
        if not asked.get("code_challenge") or asked.get("code_challenge_method") != "S256":
            raise Refusal("challenge missing")
        person_scope(asked.get("scope", ""), self._issuer.people)
        if asked.get("prompt") == "none":
            raise Refusal("nobody signed in")


def _is_registered(address: str, client: Client) -> bool:
    """Exactly, but for the port of this machine: desktop apps listen on any.

    Source: Entra, "Redirect URI restrictions", localhost exceptions (RFC 8252, 7.3).
    """
    if not address:
        return False
    return address in client.redirect_uris or _portless(address) in {
        uri for uri in client.redirect_uris if uri == _portless(uri)
    }


def _portless(address: str) -> str:
    try:
        parts = urlsplit(address)
    except ValueError:
        return address
    if parts.scheme != "http" or parts.hostname not in ("localhost", "127.0.0.1") or "@" in parts.netloc:
        return address
    return parts._replace(netloc=parts.hostname).geturl()


def _reply(asked: Mapping[str, str], values: dict[str, str]) -> web.Response:
    """Back to the app, in the way it asked for."""
    address, mode = asked["redirect_uri"], asked.get("response_mode", "query")
    if "state" in asked:
        values["state"] = asked["state"]
    if mode == "form_post":
        # OAuth 2.0 Form Post Response Mode.
        form = f'<form method="post" action="{escape(address)}">{_hidden(values)}<button>Continue</button></form>'
        return _page("Signed in", form, "<script>document.forms[0].submit()</script>")
    mark = "#" if mode == "fragment" else "&" if "?" in address else "?"
    # Not aiohttp's HTTPFound: it would put the address into another form than the one that is registered.
    headers = {"Location": f"{address}{mark}{urlencode(values)}", "Cache-Control": "no-store"}
    return web.Response(status=302, headers=headers)


async def read_form(request: web.Request) -> dict[str, str]:
    """The texts of a posted form; files are left out."""
    return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}


def _page(title: str, *parts: str, status: int = 200) -> web.Response:
    """A whole document; `parts` are HTML already."""
    text = _PAGE.substitute(title=escape(title), content="".join(parts))
    headers = {"Cache-Control": "no-store", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer"}
    return web.Response(text=text, content_type="text/html", status=status, headers=headers)


def _alert(text: str) -> str:
    return f'<p role="alert">{escape(text)}</p>'


def _sign_in_page(
    title: str,
    carried: Mapping[str, str],
    people: Sequence[Person],
    *,
    field: str = "",
    hint: str = "",
    problem: str | None = None,
) -> web.Response:
    """The sign-in page: posts `carried`, `username` and `password` back to its own address.

    Args:
        people: offered to sign in with one click; their passwords are in the page, which is for development.
        field: more of the form, as HTML.
        hint: user name to start with.
        problem: what was wrong with the last attempt.
    """
    parts = ["<p>This tenant is simulated, its people are samples.</p>", *([_alert(problem)] if problem else [])]
    if people:
        parts.append("<h2>Sign in as</h2><ul>")
        for person in people:
            login = _hidden({**carried, "username": person.username, "password": person.password or ""})
            names = {"name": escape(person.name), "username": escape(person.username)}
            parts.append(_PERSON.format(hidden=login, **names))
        parts.append("</ul><h2>Or with a password</h2>")
    return _page(title, *parts, _SIGN_IN.format(hidden=_hidden(carried), field=field, hint=escape(hint)))


def _hidden(values: Mapping[str, str]) -> str:
    return "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in values.items()
    )
