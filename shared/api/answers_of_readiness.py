"""Models of what ``GET /api/health/ready`` answers, and how they are made.

A stranger may read all of it: that is whether the parts answer, when timer and queues last brought work forward,
which features are on, and which of Microsoft's permissions are missing for which. It names no tenant, account, host
or identity, and nothing that went wrong in words of the service's own. What Guestlist may do is no secret; what it
cannot do is no help to anybody.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from shared.api.answers_of_setup import Answer
from shared.domain.features import Feature, Features
from shared.domain.readiness import Beat, Chain, Readiness, Status


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


class LackedPermission(Answer):
    """A permission that is not held, and what cannot be done for want of it."""

    permission: str
    purpose: str


class FeatureReadiness(Answer):
    """One feature. `unknown`: there is no token to read permissions from."""

    feature: Feature
    status: Literal["ready", "lacks", "off", "unknown"]
    lacks: list[LackedPermission]


class Ready(Answer):
    """Whether the app can do its work. `degraded`: a feature that is on lacks a permission, inviting does not.
    `sweep` is the timer that repairs what stands still; `roundTrip` a message that each sweep sends through a queue,
    with the time at which the newest that came back was sent. Either makes the app not ready where it is late."""

    status: Status
    checked_at: datetime
    storage: Part
    token: Part
    sweep: BeatAnswer
    round_trip: BeatAnswer
    features: list[FeatureReadiness]


def ready(found: Readiness, features: Features) -> Ready:
    """As it is answered."""
    chain = found.chain or Chain()
    return Ready(
        status=found.status,
        checked_at=found.at,
        storage=_part(found.storage),
        token=_part(found.token),
        sweep=_beat(found.sweep, chain.swept_at, found, _SWEEP),
        round_trip=_beat(found.round_trip, chain.returned, found, _ROUND_TRIP),
        features=[_feature(each, found, features) for each in Feature],
    )


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
    if found.lacks is None:
        return FeatureReadiness(feature, "unknown", [])
    lacks = found.lacks[feature]
    said = [LackedPermission(p.name, p.purposes[feature]) for p in lacks]
    return FeatureReadiness(feature, "lacks" if lacks else "ready", said)
