"""All instances are killed at the requests of one invitation that have an effect, with one process per function.

`test_kill.py` has every request, in one process; `GUESTLIST_ISOLATE=1` runs it with one per function.
"""

import re
from collections.abc import Iterator

import pytest

from local.stack import Stack
from tests.integration.test_kill import QUICKER, Scene, Waiting, gated

EFFECTS = re.compile(
    r"graph POST \S*(/invitations|/members/\$ref|/messages|/send) #1$|queue POST \S*/invitations/messages #1$"
)
LATER = re.compile(r"queue POST \S*/(memberships|mails)/messages #1$")


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    settings = {"lease_seconds": 1.5, "max_poll_ms": 300, "extra_settings": QUICKER, "start_host": False}
    with gated(Stack(**settings, isolate=True, idle_seconds=5)) as scene:  # type: ignore[arg-type]
        yield scene


@pytest.mark.timeout(1200)
@pytest.mark.xdist_group("isolate-kill")
def test_a_kill_after_any_effect_leaves_one_mail_and_one_membership(scene: Scene) -> None:
    assert killed_of(scene, EFFECTS) == 5, "four effects in the directory, and the message of the one queue"
    rest = Waiting(scene.gate, scene.tenant)
    assert killed_of(rest, LATER) == 2, "what waits is a message of the other two queues"


def killed_of(scene: Scene, wanted_of: re.Pattern[str]) -> int:
    scene.run(None, "after")
    wanted = [passage for passage in scene.gate.passages if wanted_of.search(str(passage))]

    killed = [found for passage in wanted if (found := scene.run(passage, "after")) is not None]

    assert killed == wanted
    return len(killed)
