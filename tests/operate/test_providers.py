"""What is registered before a deployment, against a server that answers as Azure Resource Manager."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from build_tools.bicep import SUBSCRIPTION
from infra import providers

type Run = Callable[..., int]


@dataclass
class Arm:
    """A subscription. Source: Azure REST, "Providers - Register" and "Providers - Get": registering is answered at
    once with the state `Registering`, and takes a while."""

    state: str = "NotRegistered"
    reads_until_registered: int = 2
    may_register: bool = True
    calls: list[str] = field(default_factory=list)
    url: str = ""

    def answer(self, method: str, path: str, token: str | None) -> tuple[int, object]:
        self.calls.append(f"{method} {path.partition('?')[0]}")
        root = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.App"
        if token != "Bearer a-token" or not path.endswith("?api-version=2021-04-01"):
            return 401, {"error": {"code": "InvalidAuthenticationToken", "message": "The access token is invalid."}}
        if method == "POST" and path.startswith(f"{root}/register"):
            if not self.may_register:
                text = "The client does not have authorization to perform action 'Microsoft.App/register/action'."
                return 403, {"error": {"code": "AuthorizationFailed", "message": text}}
            self.state = "Registering"
        elif method == "GET" and path.startswith(root):
            if self.state == "Registering":
                self.reads_until_registered -= 1
                if self.reads_until_registered <= 0:
                    self.state = "Registered"
        else:
            return 404, {"error": {"code": "NotFound", "message": "Not found."}}
        return 200, {"namespace": "Microsoft.App", "registrationState": self.state}


@pytest.fixture
def arm() -> Iterator[Arm]:
    subscription = Arm()

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            status, body = subscription.answer(self.command, self.path, self.headers["Authorization"])
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = _do

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        subscription.url = f"http://127.0.0.1:{server.server_port}"
        yield subscription
        server.shutdown()
        thread.join()


@pytest.fixture
def run(arm: Arm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command as azd calls it, with the variables of its environment."""
    file = tmp_path / "token"
    file.write_text("a-token\n")
    monkeypatch.setattr("time.sleep", lambda _: None)

    def command(*arguments: str, **environment: str) -> int:
        where = ["--arm-url", arm.url, "--token-file", str(file)]
        return providers.main([*where, *arguments], {"AZURE_SUBSCRIPTION_ID": SUBSCRIPTION} | environment)

    return command


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"GUESTLIST_PRIVATE_NETWORK": "true"},
        {"GUESTLIST_PRIVATE_NETWORK": "false", "GUESTLIST_PRIVATE_APP": "true"},
    ],
    ids=["azd has yet to ask", "private storage", "private app"],
)
def test_what_is_not_registered_is_registered_and_waited_for(
    arm: Arm, run: Run, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(**environment) == providers.DONE

    assert arm.state == "Registered"
    assert [call.partition(" ")[0] for call in arm.calls] == ["GET", "POST", "GET", "GET"]
    assert "Microsoft.App is registered" in capsys.readouterr().out


def test_what_is_registered_is_left_alone(arm: Arm, run: Run) -> None:
    arm.state = "Registered"

    assert run(GUESTLIST_PRIVATE_NETWORK="true") == providers.DONE
    assert [call.partition(" ")[0] for call in arm.calls] == ["GET"]


def test_without_a_network_nobody_is_asked(arm: Arm, run: Run) -> None:
    assert run(GUESTLIST_PRIVATE_NETWORK="false", GUESTLIST_PRIVATE_APP="") == providers.DONE
    assert arm.calls == []


@pytest.mark.parametrize(
    ("wanted", "code"), [("true", providers.REFUSED), ("", providers.DONE)], ids=["network", "azd has yet to ask"]
)
def test_who_may_not_register_is_stopped_where_it_is_needed_and_told_what_to_do(
    arm: Arm, run: Run, wanted: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    arm.may_register = False

    assert run(GUESTLIST_PRIVATE_NETWORK=wanted) == code

    said = capsys.readouterr().out
    assert "does not have authorization to perform action 'Microsoft.App/register/action'" in said
    assert "az provider register --namespace Microsoft.App --wait" in said


def test_one_that_never_gets_registered_is_not_waited_for_for_ever(
    arm: Arm, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    arm.reads_until_registered = 10**9

    assert run("--wait", "0.05", GUESTLIST_PRIVATE_NETWORK="true") == providers.REFUSED
    assert "is still 'Registering'" in capsys.readouterr().out


def test_before_a_subscription_is_chosen_the_deployment_goes_on(
    arm: Arm, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(AZURE_SUBSCRIPTION_ID="") == providers.DONE
    assert arm.calls == []
    assert "No subscription is chosen yet" in capsys.readouterr().out


def test_azure_that_cannot_be_reached_is_said(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--arm-url", "http://127.0.0.1:9", GUESTLIST_PRIVATE_NETWORK="true") == providers.REFUSED
    assert "Azure cannot be reached" in capsys.readouterr().out
