"""Options that every command has, before its name or after."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from typing import Annotated, Any, Concatenate

import typer

from cli.failures import INTERRUPTED, Failure
from cli.session import DEFAULT_TIMEOUT_S, Session

Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        help="Address of Guestlist's API; GUESTLIST_URL in the environment does as well.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        min=0,
        help=f"Seconds of patience for one call, repeats included. [{DEFAULT_TIMEOUT_S:.0f}]",
    ),
]
DeviceCode = Annotated[
    bool,
    typer.Option("--device-code", help="Sign in with a code on another device, not in a browser here."),
]


def root(
    ctx: typer.Context,
    url: Url = None,
    as_json: AsJson = False,
    timeout: Timeout = None,
    device_code: DeviceCode = False,
) -> None:
    """Lets the people who own an app share it with guests. Talks to Guestlist's API."""
    ctx.obj = _merged(Session(), url, as_json, timeout, device_code)


def _merged(session: Session, url: str | None, as_json: bool, timeout: float | None, device_code: bool) -> Session:
    session.url = url or session.url or os.environ.get("GUESTLIST_URL")
    session.as_json |= as_json
    session.timeout_s = session.timeout_s if timeout is None else timeout
    session.device_code |= device_code
    return session


def command[**P](run: Callable[Concatenate[Session, P], None]) -> Callable[..., None]:
    """Make a function of a session into a command: it gets the options above, and its failures become words.

    The function's first parameter takes the session; Typer sees the others.
    """

    def wrapped(
        ctx: typer.Context, *, url: Url, as_json: AsJson, timeout: Timeout, device_code: DeviceCode, **given: Any
    ) -> None:
        session = _merged(ctx.obj, url, as_json, timeout, device_code)
        try:
            run(session, **given)  # type: ignore[call-arg]  # Typer gives what the signature names
        except Failure as failure:
            session.fail(failure)
            raise typer.Exit(failure.exit_code) from failure
        except (KeyboardInterrupt, typer.Abort) as e:  # Abort is Ctrl-C at a question
            raise typer.Exit(INTERRUPTED) from e
        finally:
            session.close()

    def option(name: str, kind: Any, default: Any) -> inspect.Parameter:
        return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)

    own = list(inspect.signature(run, eval_str=True).parameters.values())[1:]
    parameters = [
        inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context),
        *(each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own),
        option("url", Url, None),
        option("as_json", AsJson, False),
        option("timeout", Timeout, None),
        option("device_code", DeviceCode, False),
    ]
    wrapped.__name__, wrapped.__doc__ = run.__name__, run.__doc__
    wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {each.name: each.annotation for each in parameters}
    return wrapped
