"""Features, the permissions of each, and what is said where one is missing."""

import itertools

import pytest

from shared.core.checks import CheckState
from shared.core.errors import Refused
from shared.core.features import (
    ALL,
    CHOICE,
    FEATURES,
    PERMISSIONS,
    Feature,
    Features,
    Permission,
    choose,
    lacking,
    needed_by,
)
from shared.core.reasons import Reason
from shared.diagnostics.model import diagnose_features
from shared.settings import SettingsError, read_settings

EVERY = frozenset(p.name for p in PERMISSIONS)
REQUIRED = {"GUESTLIST_TENANT_ID": "t", "GUESTLIST_API_AUDIENCE": "a"}


def settings(**env: str) -> Features:
    return read_settings(REQUIRED | env).features


def faults(**env: str) -> list[str]:
    with pytest.raises(SettingsError) as wrong:
        settings(**env)
    return wrong.value.faults


# The tables


def test_every_feature_has_its_facts_and_its_permissions() -> None:
    assert list(FEATURES) == list(Feature)
    assert all(needed_by(feature) for feature in Feature)


def test_every_permission_is_in_the_table_once_and_says_what_it_is_for_and_what_it_allows() -> None:
    names = [p.name for p in PERMISSIONS]
    assert len(names) == len(set(names)) == 16
    assert all(p.purposes and all(p.purposes.values()) and p.allows for p in PERMISSIONS)


def test_no_permission_is_needed_where_a_higher_one_of_the_same_feature_includes_it() -> None:
    for feature in Feature:
        needed = needed_by(feature)
        for one, other in itertools.permutations(needed, 2):
            assert other.name not in one.instead, f"{feature} needs no {one.name}: {other.name} includes it"


# What is missing


@pytest.mark.parametrize("missing", PERMISSIONS, ids=lambda p: p.name)
def test_each_permission_that_is_missing_is_lacked_by_exactly_the_features_that_need_it(missing: Permission) -> None:
    held = EVERY - {missing.name, *missing.instead}

    found = {f: names for f, lacks in lacking(held, ALL).items() if (names := [p.name for p in lacks])}

    # Another one may be held only by the higher one that is taken away with it.
    assert {f for f, names in found.items() if missing.name in names} == set(missing.purposes)
    assert all(name == missing.name or name in missing.instead for names in found.values() for name in names)


@pytest.mark.parametrize(
    ("permission", "higher"),
    [(p, higher) for p in PERMISSIONS for higher in p.instead],
    ids=lambda v: getattr(v, "name", v),
)
def test_a_higher_permission_stands_for_a_lower_one(permission: Permission, higher: str) -> None:
    held = (EVERY - {permission.name}) | {higher}

    assert not any(lacking(held, ALL).values())


def test_all_of_them_are_lacked_where_nothing_is_held() -> None:
    assert lacking([], ALL) == {f: needed_by(f) for f in Feature}


def test_a_feature_that_is_off_lacks_nothing() -> None:
    features, _ = choose([], mailbox=False)

    assert list(lacking([], features)) == [Feature.INVITING]


# The setting


def test_all_features_are_on_where_nothing_is_set() -> None:
    assert settings().on == {Feature.INVITING, *CHOICE}
    assert settings(GUESTLIST_FEATURES=" ").on == settings().on


def test_the_mailbox_goes_with_its_own_setting() -> None:
    assert settings(GUESTLIST_MAIL_MAILBOX="guests@contoso.com").has(Feature.MAILBOX)
    assert "GUESTLIST_MAIL_MAILBOX" in faults(GUESTLIST_FEATURES="mailbox")[0]


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("inviting", set()),
        ("audits", {Feature.AUDITS}),
        (" Setup, access-packages ,,", {Feature.SETUP, Feature.ACCESS_PACKAGES}),
        ("audits,remedies,undo", {Feature.AUDITS, Feature.REMEDIES, Feature.UNDO}),
    ],
)
def test_those_that_are_named_are_on_and_inviting_always(text: str, chosen: set[Feature]) -> None:
    assert settings(GUESTLIST_FEATURES=text).on == {Feature.INVITING, *chosen}


def test_what_is_wrong_with_the_choice_is_said_with_the_other_faults() -> None:
    found = faults(GUESTLIST_FEATURES="audit, remedies,access-packages", GUESTLIST_MESSAGE_LIMIT="x")

    known = "setup, access-packages, audits, remedies, undo, sign-ins"
    assert found[:3] == [
        f"GUESTLIST_FEATURES: 'audit' is no feature; known are {known}",
        "GUESTLIST_FEATURES: 'access-packages' needs 'setup' as well",
        "GUESTLIST_FEATURES: 'remedies' needs 'audits' as well",
    ]
    assert len(found) == 4


@pytest.mark.parametrize("feature", CHOICE)
def test_a_feature_that_is_off_is_refused_by_its_name(feature: Feature) -> None:
    features = Features(frozenset(Feature) - {feature})

    with pytest.raises(Refused) as refused:
        features.need(feature)

    assert refused.value.reason is Reason.FEATURE_OFF
    assert f"'{feature.value}'" in (refused.value.detail or "")
    assert features.off == (feature,)


# The doctor


@pytest.mark.parametrize("missing", PERMISSIONS, ids=lambda p: p.name)
def test_the_doctor_says_each_permission_that_is_missing_with_a_command(missing: Permission) -> None:
    findings = diagnose_features(EVERY - {missing.name, *missing.instead}, ALL, "client")

    wrong = [f for f in findings if f.state is not CheckState.OK]
    of_features = {f.check for f in wrong if f.check.startswith("Feature")}
    assert of_features == {f"Feature '{f.value}'" for f in missing.purposes} | {
        f"Feature '{f.value}'" for p in PERMISSIONS if p.name in missing.instead for f in p.purposes
    }
    [one] = [f for f in wrong if f.check.startswith(f"{missing.name} (")]
    assert missing.name in (one.command or "")
    assert all(f.command for f in wrong)


def test_the_doctor_names_what_is_off_and_asks_for_none_of_its_permissions() -> None:
    features, _ = choose(["audits"], mailbox=False)

    held = {p.name for f in (Feature.INVITING, Feature.AUDITS) for p in needed_by(f)}

    findings = diagnose_features(sorted(held), features, None)

    assert all(f.state is CheckState.OK for f in findings)
    off = [f.check for f in findings if f.found.startswith("switched off")]
    assert off == [f"Feature '{f.value}'" for f in features.off]
    named = {f.check.split()[0] for f in findings} - {"Feature"}
    assert named == held


def test_what_inviting_lacks_is_missing_and_what_a_choice_lacks_wants_attention() -> None:
    states = {f.check: f.state for f in diagnose_features([], ALL, None)}

    assert states["Feature 'inviting'"] is states["Feature 'mailbox'"] is CheckState.WRONG
    assert {states[f"Feature '{f.value}'"] for f in CHOICE} == {CheckState.ATTENTION}
