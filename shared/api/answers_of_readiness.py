"""Models of what ``GET /api/health/ready`` answers, and how they are made.

A stranger may read all of it: that is whether the parts answer, which features are on, and which of Microsoft's
permissions are missing for which. It names no tenant, account, host or identity, and nothing that went wrong in
words of the service's own. What Guestlist may do is no secret; what it cannot do is no help to anybody.
"""

from datetime import datetime
from typing import Literal

from shared.api.answers_of_setup import Answer
from shared.domain.features import Feature, Features
from shared.domain.readiness import Readiness, Status


class Part(Answer):
    """Something that nothing works without."""

    status: Literal["ok", "failed"]
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
    """Whether the app can do its work. `degraded`: a feature that is on lacks a permission, inviting does not."""

    status: Status
    checked_at: datetime
    storage: Part
    token: Part
    features: list[FeatureReadiness]


def ready(found: Readiness, features: Features) -> Ready:
    """As it is answered."""
    return Ready(
        status=found.status,
        checked_at=found.at,
        storage=_part(found.storage),
        token=_part(found.token),
        features=[_feature(each, found, features) for each in Feature],
    )


def _part(wrong: str | None) -> Part:
    return Part("ok" if wrong is None else "failed", wrong)


def _feature(feature: Feature, found: Readiness, features: Features) -> FeatureReadiness:
    if not features.has(feature):
        return FeatureReadiness(feature, "off", [])
    if found.lacks is None:
        return FeatureReadiness(feature, "unknown", [])
    lacks = found.lacks[feature]
    said = [LackedPermission(p.name, p.purposes[feature]) for p in lacks]
    return FeatureReadiness(feature, "lacks" if lacks else "ready", said)
