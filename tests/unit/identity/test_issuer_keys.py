"""For how long the issuer's keys are good while it cannot be reached."""

from types import SimpleNamespace
from typing import Any

import httpx
import jwt
import pytest

from shared.core.errors import Refused
from shared.core.reasons import Reason
from shared.identity import tokens
from shared.identity.tokens import FRESH_S, RETRY_S, STALE_S, IssuerKeys

KEY: Any = object()


class Issuer(IssuerKeys):
    """Publishes one key, or is down; `asked` counts."""

    def __init__(self) -> None:
        super().__init__("https://issuer.example")
        self.is_down = False
        self.asked = 0

    async def _published(self, http: httpx.AsyncClient) -> dict[str, jwt.PyJWK]:
        self.asked += 1
        if self.is_down:
            raise httpx.ConnectError("down")
        return {"k": KEY}


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock = SimpleNamespace(s=1000.0)
    monkeypatch.setattr(tokens, "time", SimpleNamespace(monotonic=lambda: clock.s))
    return clock


async def refusal(issuer: Issuer) -> Reason | None:
    try:
        assert await issuer.find("k") is KEY
    except Refused as e:
        return e.reason
    return None


async def test_keys_are_good_for_three_days_more_and_then_nobody_gets_in_until_it_is_back(
    now: SimpleNamespace,
) -> None:
    issuer = Issuer()
    assert await refusal(issuer) is None
    issuer.is_down = True

    now.s += FRESH_S + STALE_S - 1
    assert await refusal(issuer) is None
    now.s += 31
    assert await refusal(issuer) is Reason.ISSUER_UNREACHABLE
    before = issuer.asked
    assert await refusal(issuer) is Reason.ISSUER_UNREACHABLE
    assert issuer.asked == before

    issuer.is_down = False
    now.s += RETRY_S
    assert await refusal(issuer) is None


async def test_a_key_that_was_withdrawn_is_gone_within_a_day(now: SimpleNamespace) -> None:
    issuer = Issuer()
    assert await issuer.find("k") is KEY
    now.s += FRESH_S
    assert await issuer.find("k") is KEY
    assert issuer.asked == 2
