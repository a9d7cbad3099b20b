"""The order of a setup's steps, what a setup says of itself, roles, policies and permissions: pure decisions."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.checks import CheckState, TenantFacts, Unreadable, checks_of
from shared.core.directory import DEFAULT_ACCESS, Application, AppRole, Certificate, choose_role
from shared.core.errors import Refused
from shared.core.ids import AppId, GroupId, PrincipalId, SetupId
from shared.core.reasons import Reason
from shared.membership.model.apps import Policy
from shared.messages.commands import SetupStep
from shared.setup.model import (
    ORDER,
    AppSpec,
    Found,
    FoundGroup,
    Setup,
    SetupPlan,
    SetupState,
    StepState,
    new_setup,
    ready,
    sorted_by_need,
)
from tests.builders import NOW, OWNER


def a_setup(**states: StepState) -> Setup:
    plan = SetupPlan(AppSpec(name="Travel"), ("olivia",))
    setup = new_setup(SetupId("s"), plan, "digest", now=NOW, creator=OWNER, name="Adam")
    changed = {SetupStep(name.replace("_", "-")): state for name, state in states.items()}
    return replace(setup, steps={s: replace(r, state=changed.get(s, r.state)) for s, r in setup.steps.items()})


def an_app(*roles: AppRole, **changes: object) -> Application:
    return replace(Application(AppId("a"), "Travel", PrincipalId("p"), roles=roles), **changes)  # type: ignore[arg-type]


def test_all_steps_come_after_what_they_wait_for_and_none_is_left() -> None:
    order = sorted_by_need()

    assert sorted(order) == sorted(SetupStep)
    for step in order:
        assert all(order.index(before) < order.index(step) for before in ORDER[step].after)


def test_verify_waits_for_everything() -> None:
    waits: set[SetupStep] = set()
    more = {SetupStep.VERIFY}
    while more:
        more = {b for step in more for b in ORDER[step].after} - waits
        waits |= more

    assert waits == set(SetupStep) - {SetupStep.VERIFY}


@given(st.permutations(list(SetupStep)))
def test_whatever_ends_first_each_step_gets_its_turn_once(turns: list[SetupStep]) -> None:
    done: list[SetupStep] = []
    while len(done) < len(SetupStep):
        now = ready(done)
        assert now, "nothing can go on"
        done.append(next(step for step in turns if step in now))

    assert sorted(done) == sorted(SetupStep)


def test_steps_that_do_not_depend_on_each_other_are_ready_together() -> None:
    assert set(a_setup().to_run) == {SetupStep.SELF_SERVICE_GROUPS, SetupStep.APPLICATION}
    after = a_setup(application=StepState.DONE, self_service_groups=StepState.MANUAL)
    assert set(after.to_run) == {SetupStep.GROUP, SetupStep.SINGLE_SIGN_ON}
    assert after.state_of(SetupStep.OWNERS) is StepState.WAITING


@pytest.mark.parametrize(
    ("states", "state"),
    [
        ({}, SetupState.RUNNING),
        ({"application": StepState.FAILED}, SetupState.RUNNING),
        ({"application": StepState.FAILED, "self_service_groups": StepState.MANUAL}, SetupState.FAILED),
        ({"application": StepState.FAILED, "self_service_groups": StepState.DONE}, SetupState.FAILED),
        ({s.value.replace("-", "_"): StepState.DONE for s in SetupStep}, SetupState.DONE),
        (
            {s.value.replace("-", "_"): StepState.DONE for s in SetupStep}
            | {"self_service_access": StepState.MANUAL, "verify": StepState.READY},
            SetupState.WAITING_FOR_PERSON,
        ),
    ],
)
def test_the_state_of_a_setup_is_that_of_its_steps(states: dict[str, StepState], state: SetupState) -> None:
    assert a_setup(**states).state is state


def test_what_steps_found_is_put_together() -> None:
    setup = a_setup()
    group = FoundGroup(GroupId("g"), "Guests")
    record = replace(setup.steps[SetupStep.GROUP], found=Found(group=group))
    role = replace(setup.steps[SetupStep.GROUP_ASSIGNMENT], found=Found(role=AppRole("r", "User")))
    steps = {**setup.steps, SetupStep.GROUP: record, SetupStep.GROUP_ASSIGNMENT: role}

    assert replace(setup, steps=steps).found == Found(group=group, role=AppRole("r", "User"))


USER, BOSS = AppRole("11111111-1111-4111-8111-111111111111", "User", "user.read"), AppRole("2" * 36, "Boss")


@pytest.mark.parametrize(
    ("roles", "wanted", "chosen"),
    [
        ((), None, DEFAULT_ACCESS),
        ((USER,), None, USER.id),
        ((USER, BOSS), "boss", BOSS.id),
        ((USER, BOSS), "USER.READ", USER.id),
        ((USER, BOSS), USER.id, USER.id),
    ],
)
def test_the_role_is_the_one_named_or_the_only_one(
    roles: tuple[AppRole, ...], wanted: str | None, chosen: str
) -> None:
    assert choose_role(an_app(*roles), wanted).id == chosen


@pytest.mark.parametrize(
    ("roles", "wanted", "reason"),
    [
        ((USER, BOSS), None, Reason.APP_ROLE_NEEDED),
        ((USER,), "Boss", Reason.APP_ROLE_MISSING),
        ((), "User", Reason.APP_ROLE_MISSING),
    ],
)
def test_a_role_that_is_not_clear_is_asked_for(
    roles: tuple[AppRole, ...], wanted: str | None, reason: Reason
) -> None:
    with pytest.raises(Refused) as refused:
        choose_role(an_app(*roles), wanted)

    assert refused.value.reason is reason
    assert all(role.name in (refused.value.detail or "") for role in roles)


def test_the_certificate_in_use_is_the_preferred_one() -> None:
    old, new = Certificate("AA", NOW), Certificate("BB", NOW + timedelta(days=9))

    assert an_app(certificates=(old, new)).certificate(NOW) == new
    assert an_app(certificates=(old, new), active_thumbprint="AA").certificate(NOW) == old
    assert an_app().certificate(NOW) is None


@pytest.mark.parametrize(
    ("allowed", "blocked", "domain", "taken"),
    [
        ((), (), "fabrikam.com", True),
        (("fabrikam.com",), (), "fabrikam.com", True),
        (("fabrikam.com",), (), "eu.fabrikam.com", True),
        (("fabrikam.com",), (), "notfabrikam.com", False),
        ((), ("fabrikam.com",), "eu.fabrikam.com", False),
        (("fabrikam.com",), ("eu.fabrikam.com",), "eu.fabrikam.com", False),
        (("fabrikam.com",), ("eu.fabrikam.com",), "us.fabrikam.com", True),
    ],
)
def test_a_policy_takes_domains(allowed: tuple[str, ...], blocked: tuple[str, ...], domain: str, taken: bool) -> None:
    assert Policy(allowed_domains=allowed, blocked_domains=blocked).takes(domain) is taken


@pytest.mark.parametrize(
    ("facts", "check", "state"),
    [
        (TenantFacts("everyone", "x", None), "Who may invite guests", CheckState.OK),
        (TenantFacts("none", "x", None), "Who may invite guests", CheckState.WRONG),
        (TenantFacts("adminsAndGuestInviters", "x", None), "Who may invite guests", CheckState.ATTENTION),
        (TenantFacts("somebodyNew", "x", None), "Who may invite guests", CheckState.UNKNOWN),
        (TenantFacts(Unreadable("Grant X"), "x", None), "Who may invite guests", CheckState.UNKNOWN),
        (TenantFacts("everyone", Unreadable("Grant X"), None), "What guests may see", CheckState.UNKNOWN),
        (TenantFacts("everyone", "x", False), "Guests in groups", CheckState.ATTENTION),
        (TenantFacts("everyone", "x", Unreadable("Grant X")), "Guests in groups", CheckState.UNKNOWN),
    ],
)
def test_what_the_tenant_allows_is_said(facts: TenantFacts, check: str, state: CheckState) -> None:
    [found] = [c for c in checks_of(facts) if c.check.startswith(check)]

    assert found.state is state
