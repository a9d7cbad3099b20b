"""One run of the command: where the API is, who is asked, and where words and documents go."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

import typer

from cli.failures import DONE, Failure, Misuse, lines_of
from cli.place import is_loopback
from cli.visible import json_text, visible

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from cli.api import Api
    from cli.sign_in import SignIn

_WIDTH_WITHOUT_TERMINAL = 150
DEFAULT_TIMEOUT_S = 60.0


@dataclass
class Session:
    """`url` None means that nobody named one: what needs it says so."""

    url: str | None = None
    as_json: bool = False
    timeout_s: float = DEFAULT_TIMEOUT_S
    device_code: bool = False
    _open: list[Api] = field(default_factory=list)

    @cached_property
    def console(self) -> Console:
        """For people: standard output, or standard error where that belongs to a JSON document."""
        from cli.console import VisibleConsole

        console = VisibleConsole(stderr=self.as_json, highlight=False)
        if not console.is_terminal:
            console.width = _WIDTH_WITHOUT_TERMINAL
        return console

    @property
    def may_ask(self) -> bool:
        """Somebody sits at a terminal, and the output is for them."""
        return not self.as_json and sys.stdin.isatty() and self.console.is_terminal

    @cached_property
    def base_url(self) -> str:
        """Raises Misuse: there is none, or a token must not be sent there."""
        if not self.url:
            raise Misuse(
                "The address of the API is missing",
                "Guestlist's function app has one, such as https://guestlist-contoso.azurewebsites.net",
                "Give it with --url or in the environment variable GUESTLIST_URL",
                reason="url-missing",
            )
        found = urlsplit(self.url)
        if found.scheme not in ("http", "https") or not found.hostname:
            title = f"'{self.url}' is no address of an API"
            raise Misuse(title, None, "It begins with https://", reason="url-invalid")
        if found.scheme == "http" and not is_loopback(found.hostname):
            raise Misuse(
                "Tokens are sent over https only",
                f"'{self.url}' is not encrypted and not on this machine",
                "Use the https address",
                reason="url-invalid",
            )
        return self.url.rstrip("/").removesuffix("/api")

    @cached_property
    def sign_in(self) -> SignIn:
        from cli.sign_in import SignIn
        from cli.trust import Trust

        trust = Trust(self.base_url, ask=self._ask if self.may_ask else None)
        return SignIn(self.anonymous, trust, device_code=self.device_code, tell=self.tell)

    @cached_property
    def anonymous(self) -> Api:
        """The API without a token."""
        return self._connect(None)

    @cached_property
    def api(self) -> Api:
        """The API with the caller's token."""
        return self._connect(lambda fresh: self.sign_in.token(fresh=fresh))

    def _connect(self, token: Any) -> Api:
        from cli.api import Api

        api = Api(self.base_url, token, timeout_s=self.timeout_s, tell=self.tell)
        self._open.append(api)
        return api

    def close(self) -> None:
        for api in self._open:
            api.close()

    def tell(self, text: str) -> None:
        """A word on what goes on: never on standard output, which may be piped."""
        typer.echo(visible(text), err=True)

    def _ask(self, question: str) -> bool:
        return typer.confirm(visible(question), default=False, err=True)

    def say(self, text: str = "", style: str = "") -> None:
        """A line for people, which `Console` would otherwise search for markup."""
        from rich.text import Text

        self.console.print(Text(text, style=style), soft_wrap=True)

    def draw(self, renderable: RenderableType) -> None:
        """A table for people; beside a JSON document it would say the same twice."""
        if not self.as_json:
            self.console.print(renderable)

    def finish(self, document: Any, code: int = DONE) -> NoReturn:
        """End the command; with ``--json`` the document is all that standard output gets."""
        if self.as_json:
            print_json(document)
        raise typer.Exit(code)

    def fail(self, failure: Failure) -> None:
        """Print what went wrong, for people on standard error."""
        if self.as_json:
            print_json(failure.document)
            return
        first, *others = map(visible, lines_of(failure.document))
        typer.secho(first, err=True, fg="red")
        for line in others:
            typer.echo(line, err=True)


def print_json(document: Any) -> None:
    typer.echo(json_text(document))
