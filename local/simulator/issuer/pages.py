"""The pages of the issuer as HTML: signing in, entering a device's code, being told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from .people import Person

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:3rem auto;padding:0 1rem;"
    "color:#1b1b1b;background:#fff}"
    "button,input{font:inherit;padding:.4rem .7rem}label{display:block}"
    "ul{list-style:none;padding:0}li{margin:.4rem 0}li button{width:100%;text-align:left}"
    "[role=alert]{color:#a4262c}"
)


def page(title: str, *parts: str) -> str:
    """A whole document; `parts` are HTML already."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{''.join(parts)}</main></body></html>"
    )


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
    hidden = _hidden(carried)
    parts = ["<p>This tenant is simulated, its people are samples.</p>"]
    if problem:
        parts.append(alert(problem))
    if people and not field:
        parts.append("<h2>Sign in as</h2><ul>")
        for person in people:
            login = _hidden({"username": person.username, "password": person.password or ""})
            parts.append(
                f'<li><form method="post">{hidden}{login}<button>{escape(person.name)}<br>'
                f"<small>{escape(person.username)}</small></button></form></li>"
            )
        parts.append("</ul><h2>Or with a password</h2>")
    parts.append(
        f'<form method="post">{hidden}{field}'
        '<p><label for="username">User name</label>'
        f'<input id="username" name="username" autocomplete="username" required value="{escape(hint)}"></p>'
        '<p><label for="password">Password</label>'
        '<input id="password" name="password" type="password" autocomplete="current-password" required></p>'
        "<p><button>Sign in</button></p></form>"
    )
    return page(title, *parts)


def device(carried: Mapping[str, str], user_code: str, *, problem: str | None = None) -> str:
    """Asks for the code that a device shows, and who it is for."""
    field = (
        '<p><label for="user_code">Code shown by the device</label>'
        f'<input id="user_code" name="user_code" autocomplete="off" required value="{escape(user_code)}"></p>'
    )
    return sign_in("Enter code", carried, (), field=field, problem=problem)


def form_post(address: str, values: Mapping[str, str]) -> str:
    """Sends `values` on to the app: OAuth 2.0 Form Post Response Mode."""
    return page(
        "Signed in",
        f'<form method="post" action="{escape(address)}">{_hidden(values)}<button>Continue</button></form>',
        "<script>document.forms[0].submit()</script>",
    )


def _hidden(values: Mapping[str, str]) -> str:
    return "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in values.items()
    )
