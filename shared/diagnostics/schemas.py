"""Whether the app is alive and ready, what it lacks, whether it is stopped, and where to get a token for it.

A stranger may read all of readiness: that is whether the parts answer, when timer and queues last brought work
forward, which features are on, and which of Microsoft's permissions are missing for which. It names no tenant,
account, host or identity, and nothing that went wrong in words of the service's own. What Guestlist may do is no
secret; what it cannot do is no help to anybody.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import field

from shared.core.checks import CheckState
from shared.core.features import Feature, Features
from shared.core.reasons import REASONS, Reason
from shared.core.records import Stop as Record
from shared.diagnostics import model
from shared.diagnostics.model import Beat, Chain, Readiness, Status
from shared.http.schemas import Answer, Body, decode_any, text_of
from shared.invitations.model.invitations import STATES, State


class Part(Answer):
    """Something that nothing works without."""

    status: Literal["ok", "failed"]
    detail: str | None


class BeatAnswer(Answer):
    """Something that comes again and again. `at` is when it last did, `ageSeconds` how long that was ago when it was
    looked at; both are null where it never came (`starting`: a fresh installation, until its first sweep) and where
    storage does not answer (`unknown`)."""

    status: Beat
    at: datetime | None
    age_seconds: int | None
    detail: str | None


class MissingPermission(Answer):
    """A permission that is not held, and what cannot be done for want of it."""

    permission: str
    purpose: str


class FeatureReadiness(Answer):
    """One feature. `unknown`: there is no token to read permissions from."""

    feature: Feature
    status: Literal["ready", "missing", "off", "unknown"]
    missing: list[MissingPermission]


class Ready(Answer):
    """Whether the app can do its work. `degraded`: a feature that is on lacks a permission, inviting does not.
    `sweep` is the timer that repairs what has stalled; `roundTrip` a message that each sweep sends through a queue,
    with the time at which the newest that came back was sent. Either makes the app not ready where it is late."""

    status: Status
    at: datetime = field(name="checkedAt")
    storage: Part
    token: Part
    sweep: BeatAnswer
    round_trip: BeatAnswer
    features: list[FeatureReadiness]


class Health(Answer):
    """The app is alive, with settings that can be read."""

    status: Literal["ok"] = "ok"


class SignIn(Answer):
    """Where to get a token for this API."""

    authority: str
    tenant_id: str
    audience: str
    scope: str
    client_id: str | None


class DiagnosedCheck(Answer):
    """One thing that was examined, with the link or the command that fixes it."""

    check: str
    state: Literal["ok", "missing", "attention", "unknown"]
    found: str
    title: str
    detail: str
    remedy: str | None
    link: str | None
    command: str | None


class Diagnosis(Answer):
    """What is missing, and how to fix it."""

    checks: list[DiagnosedCheck]


class StopBody(Body):
    """POST /api/stop: why, which everybody who is signed in may read."""

    reason: Annotated[str, msgspec.Meta(max_length=500)] | None = None


class Stop(Answer):
    """Whether everything that sends or changes is parked, and since when."""

    is_stopped: bool
    since: datetime | None
    reason: str | None


def ready(found: Readiness, features: Features) -> Ready:
    chain = found.chain or Chain()
    return Ready.of(
        found,
        storage=_part(found.storage),
        token=_part(found.token),
        sweep=_beat(found.sweep, chain.swept_at, found, _SWEEP),
        round_trip=_beat(found.round_trip, chain.returned, found, _ROUND_TRIP),
        features=[_feature(each, found, features) for each in Feature],
    )


def diagnosis(findings: Sequence[model.DiagnosedCheck]) -> Diagnosis:
    return Diagnosis(
        [DiagnosedCheck.of(f, state=_DIAGNOSED[f.state], title=f.title or f.check, detail=f.found) for f in findings]
    )


def decode_reason(body: bytes) -> str | None:
    """Raises Refused `body-invalid`; no body is none to read."""
    return text_of(decode_any(StopBody, body).reason)


def stop(found: Record) -> Stop:
    """Who stopped is not for everybody: the trail says it."""
    return Stop(True, found.at, found.reason) if found.is_on else Stop(False, None, None)


def _part(wrong: str | None) -> Part:
    return Part("ok" if wrong is None else "failed", wrong)


def _beat(beat: Beat, last: datetime | None, found: Readiness, words: Mapping[Beat, str]) -> BeatAnswer:
    age = None if last is None else max(0, int((found.at - last).total_seconds()))
    detail = words.get(beat)
    if beat is Beat.LATE:
        detail = f"{detail} within {int(found.chain_timeout.total_seconds())} seconds (GUESTLIST_CHAIN_TIMEOUT)"
    return BeatAnswer(beat, last, age, detail)


_UNKNOWN = "storage does not answer"
_SWEEP = {
    Beat.STARTING: "no sweep yet: the first comes with GUESTLIST_SWEEP_SCHEDULE",
    Beat.LATE: "the timer did not come",
    Beat.UNKNOWN: _UNKNOWN,
}
_ROUND_TRIP = {
    Beat.STARTING: "no message has come back through a queue yet: the first sweep sends one",
    Beat.LATE: "no message came back through a queue",
    Beat.UNKNOWN: _UNKNOWN,
}


def _feature(feature: Feature, found: Readiness, features: Features) -> FeatureReadiness:
    if not features.has(feature):
        return FeatureReadiness(feature, "off", [])
    if found.missing is None:
        return FeatureReadiness(feature, "unknown", [])
    missing = [MissingPermission(p.name, p.purposes[feature]) for p in found.missing[feature]]
    return FeatureReadiness(feature, "missing" if missing else "ready", missing)


_DIAGNOSED = {
    CheckState.OK: "ok",
    CheckState.WRONG: "missing",
    CheckState.ATTENTION: "attention",
    CheckState.UNKNOWN: "unknown",
}


class ReasonRow(msgspec.Struct, rename="camel"):
    """A reason, the status of a request refused for it, and what a person can do."""

    reason: Reason
    status: int
    title: str
    remedy: str


class StateRow(msgspec.Struct, rename="camel"):
    """A state of invitations, and those that may follow it."""

    state: State
    meaning: str
    followed_by: list[State]


class Table(msgspec.Struct, rename="camel"):
    """All reasons, and all states of invitations."""

    reasons: list[ReasonRow]
    states: list[StateRow]


def table() -> Table:
    """The reasons and the states, for people and programs."""
    return Table(
        [ReasonRow(r, f.status, f.title, f.remedy) for r, f in REASONS.items()],
        [StateRow(s, f.meaning, sorted(f.followed_by)) for s, f in STATES.items()],
    )
