"""How long things may take, from a handler's own bound to the alert, each below the next."""

import json
import re
import subprocess
import sys
from datetime import timedelta
from math import ceil
from pathlib import Path
from typing import Any

from functions.handlers import WORK_S
from functions.http import HTTP_S
from functions.sweeper import SWEEP_PART_S
from shared.core.clock import Timing
from shared.settings import read_settings
from shared.telemetry.provider import EVERY_S, METRIC_INTERVAL_MS, PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]
HOST: dict[str, Any] = json.loads((ROOT / "host.json").read_text())
MARGIN_S = 60
"""For what a bound does not interrupt: code that computes without awaiting, and sending telemetry."""
FRONT_END_S = 230
"""Source: Microsoft Learn, "Azure Functions hosting options", "Function app timeout duration"."""
IDLE_S = 30
"""After which an instance without work may end. UNVERIFIED: Microsoft documents no figure."""


def test_every_function_has_a_bound_of_its_kind() -> None:
    program = (
        "import json, function_app\n"
        "print(json.dumps([(f.get_function_name(), f.get_trigger().type,"
        " getattr(f.get_user_function(), 'bound_s', None)) for f in function_app.app.get_functions()]))"
    )
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    of_kind = {"httpTrigger": HTTP_S, "queueTrigger": WORK_S, "timerTrigger": WORK_S}

    functions = json.loads(found.stdout)
    assert len(functions) > 50
    assert [(name, bound) for name, kind, bound in functions if bound != of_kind[kind]] == []


def _timeout_s() -> float:
    hours, minutes, seconds = (int(part) for part in HOST["functionTimeout"].split(":"))
    return timedelta(hours=hours, minutes=minutes, seconds=seconds).total_seconds()


def test_a_handler_ends_itself_before_the_host_or_the_front_end_does() -> None:
    assert max(HTTP_S, WORK_S) + MARGIN_S <= _timeout_s()
    assert HTTP_S < FRONT_END_S
    assert SWEEP_PART_S < WORK_S


def test_no_delivery_outlives_its_claim() -> None:
    assert Timing().claim.total_seconds() > WORK_S


def test_the_host_ends_what_hangs_before_an_alert_wakes_anybody() -> None:
    alerts = {a["name"]: a for a in json.loads((ROOT / "infra" / "alerts.json").read_text())["logs"]}

    assert _timeout_s() < alerts["oldest-message"]["above"]


def test_readiness_is_red_when_two_sweeps_went_unanswered() -> None:
    documented = (ROOT / "docs" / "settings.md").read_text()
    schedule = re.search(r"`GUESTLIST_SWEEP_SCHEDULE`.*NCRONTAB, `0 \* \* \* \* \*`", documented)
    assert schedule, "every minute"
    every = timedelta(minutes=1)
    needed = {"GUESTLIST_TENANT_ID": "t", "GUESTLIST_API_AUDIENCE": "a"}

    assert 2 * every < read_settings(needed).chain_timeout <= 3 * every


def test_queues_are_measured_often_enough_for_their_alerts() -> None:
    """Of the values within an alert's window the least counts: one that was measured before the sweeper drained a
    poison queue must not be the only one."""
    every = timedelta(minutes=ceil(Timing().whole_sweep / timedelta(minutes=1)))
    alerts = {a["name"]: a for a in json.loads((ROOT / "infra" / "alerts.json").read_text())["logs"]}

    assert [alerts[name]["window"] for name in ("poison-not-empty", "oldest-message")] == ["PT15M", "PT15M"]
    assert 3 * every <= timedelta(minutes=15)


def test_telemetry_is_sent_before_an_instance_without_work_may_end() -> None:
    assert METRIC_INTERVAL_MS / 1000 < IDLE_S
    assert EVERY_S + PATIENCE_S < IDLE_S


def test_levels_of_libraries_are_set_where_they_work() -> None:
    """To the host every line of a function is of the category ``Function.<name>.User``."""
    levels = HOST.get("logging", {}).get("logLevel", {})

    assert [c for c in levels if not re.match(r"(default|Host|Function|Microsoft|Worker)\b", c)] == []
