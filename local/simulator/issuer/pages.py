"""The pages of the issuer as HTML: signing in, entering a device's code, being told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template

from .people import Person

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


def page(title: str, *parts: str) -> str:
    """A whole document; `parts` are HTML already."""
    return _PAGE.substitute(title=escape(title), content="".join(parts))


def alert(text: str) -> str:
    """A paragraph that says what is wrong."""
    return f'<p role="alert">{escape(text)}</p>'


def sign_in(
    title: str,
    carried: Mapping[str, str],
    people: Sequence[Person],
    *,
    field: str = "",
    hint: str = "",
    problem: str | None = None,
) -> str:
    """The sign-in page: posts `carried`, `username` and `password` back to its own address.

    Args:
        people: offered to sign in with one click; their passwords are in the page, which is for development.
        field: more of the form, as HTML.
        hint: user name to start with.
        problem: what was wrong with the last attempt.
    """
    parts = ["<p>This tenant is simulated, its people are samples.</p>", *([alert(problem)] if problem else [])]
    if people and not field:
        parts.append("<h2>Sign in as</h2><ul>")
        for person in people:
            login = _hidden({**carried, "username": person.username, "password": person.password or ""})
            names = {"name": escape(person.name), "username": escape(person.username)}
            parts.append(_PERSON.format(hidden=login, **names))
        parts.append("</ul><h2>Or with a password</h2>")
    return page(title, *parts, _SIGN_IN.format(hidden=_hidden(carried), field=field, hint=escape(hint)))


def device(carried: Mapping[str, str], user_code: str, *, problem: str | None = None) -> str:
    """Asks for the code that a device shows, and who it is for."""
    return sign_in("Enter code", carried, (), field=_CODE.format(code=escape(user_code)), problem=problem)


def form_post(address: str, values: Mapping[str, str]) -> str:
    """Sends `values` on to the app: OAuth 2.0 Form Post Response Mode."""
    form = f'<form method="post" action="{escape(address)}">{_hidden(values)}<button>Continue</button></form>'
    return page("Signed in", form, "<script>document.forms[0].submit()</script>")


def _hidden(values: Mapping[str, str]) -> str:
    return "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in values.items()
    )
