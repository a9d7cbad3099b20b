"""The domain: addresses, groups, access, links, ids, states, waits, pace and breaker."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.addresses import PROHIBITED, parse_address
from shared.core.directory import GroupApp, direct_link, refusal
from shared.core.errors import Refused
from shared.core.ids import InvitationId, group_id, new_id
from shared.core.reasons import REASONS, Reason
from shared.core.waits import busy_again_wait, busy_wait, replication_wait
from shared.invitations.model.invitations import STATES, State, advance, failed
from shared.membership.model.access import Action, group_roles, may
from shared.pace.pacing import Breaker, Pace, reserve, take_probe, trip
from tests.builders import GROUP, NOW, OWNER, STRANGER, TENANT, a_caller, a_group, an_invitation


@pytest.mark.parametrize(
    ("raw", "wire", "key"),
    [
        ("Ada@Fabrikam.com", "Ada@fabrikam.com", "ada@fabrikam.com"),
        ("  ada@fabrikam.com ", "ada@fabrikam.com", "ada@fabrikam.com"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"),
        ("_ada_@fabrikam.com", "_ada_@fabrikam.com", "_ada_@fabrikam.com"),
        ("o'brien@fabrikam.com", "o'brien@fabrikam.com", "o'brien@fabrikam.com"),
    ],
)
def test_a_good_address_has_a_form_for_the_wire_and_one_to_compare_by(raw: str, wire: str, key: str) -> None:
    address = parse_address(raw)

    assert (address.wire, address.key) == (wire, key)


def test_people_see_an_internationalized_domain_in_its_own_script() -> None:
    assert parse_address("ada@xn--bcher-kva.example").text == "ada@bücher.example"


@pytest.mark.parametrize(
    "raw", ["", "ada", "ada@", "@fabrikam.com", "ada@fabrikam", "a b@fabrikam.com", "ada@@x.com"]
)
def test_what_is_no_address_is_refused_as_invalid(raw: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_address(raw)

    assert (refused.value.reason, refused.value.field) == (Reason.ADDRESS_INVALID, "address")


@pytest.mark.parametrize("character", sorted(PROHIBITED - set('()[]\\;:"<>,')))
def test_characters_that_the_directory_refuses_are_named(character: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_address(f"a{character}b@fabrikam.com")

    assert refused.value.reason in (Reason.ADDRESS_UNSUPPORTED, Reason.ADDRESS_INVALID)


@pytest.mark.parametrize("raw", ["ada+travel@fabrikam.com", "-ada@fabrikam.com", "ada-@fabrikam.com"])
def test_an_address_that_entra_does_not_take_is_unsupported(raw: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_address(raw)

    assert refused.value.reason is Reason.ADDRESS_UNSUPPORTED


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_refused(raw: str) -> None:
    try:
        address = parse_address(raw)
    except Refused:
        return
    assert address.wire.isascii()
    assert address.key == address.wire.lower()
    assert parse_address(address.wire).key == address.key


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"group_types": frozenset({"DynamicMembership"})}, Reason.GROUP_DYNAMIC),
        ({"synced": True}, Reason.GROUP_SYNCED),
        ({"mail_enabled": True}, Reason.GROUP_MAIL_ENABLED),
        ({"mail_enabled": True, "security_enabled": False}, Reason.GROUP_MAIL_ENABLED),
        ({"mail_enabled": True, "group_types": frozenset({"Unified"})}, Reason.GROUP_MICROSOFT_365),
        ({"role_assignable": True}, Reason.GROUP_ROLE_ASSIGNABLE),
        ({"management_restricted": True}, Reason.GROUP_MANAGEMENT_RESTRICTED),
    ],
)
def test_only_cloud_groups_with_assigned_membership_take_guests(
    changes: dict[str, object], reason: Reason | None
) -> None:
    assert refusal(a_group(**changes)) is reason


@pytest.mark.parametrize(
    ("caller", "allowed"),
    [
        (a_caller(OWNER), True),
        (a_caller(OWNER, is_app=True), True),
        (a_caller(STRANGER), False),
        (a_caller(STRANGER, "Admin"), True),
        (a_caller(STRANGER, "Auditor"), False),
        (a_caller(STRANGER, "Inviter", is_app=True), False),
        (a_caller(STRANGER, "Admin", is_app=True), True),
    ],
)
def test_owners_and_admins_may_invite(caller, allowed: bool) -> None:  # type: ignore[no-untyped-def]
    roles = group_roles(caller.object_id, caller.roles, a_group(), ())

    assert may(roles, Action.INVITE) is allowed


def test_a_group_with_one_app_links_to_it_and_else_to_my_apps() -> None:
    app = GroupApp("Travel", "app-1")

    assert direct_link((app,), TENANT) == f"https://launcher.myapps.microsoft.com/api/signin/app-1?tenantId={TENANT}"
    assert direct_link((), TENANT) == f"https://myapps.microsoft.com/?tenantid={TENANT}"
    assert (
        direct_link((app, GroupApp("Other", "app-2")), TENANT) == f"https://myapps.microsoft.com/?tenantid={TENANT}"
    )


def test_an_invitations_id_survives_its_text() -> None:
    made = InvitationId(GROUP, new_id(NOW, "0123456789"), 7)

    assert InvitationId.parse(str(made)) == made


@pytest.mark.parametrize("text", ["", "x", "../../x", str(an_invitation().id) + "0", str(an_invitation().id).upper()])
def test_what_is_no_id_is_not_read_as_one(text: str) -> None:
    with pytest.raises(ValueError, match="is not an invitation's id"):
        InvitationId.parse(text)


def test_newer_chunks_sort_first() -> None:
    assert new_id(NOW + timedelta(seconds=1), "f" * 10) < new_id(NOW, "0" * 10)


def test_a_group_id_is_a_guid_in_any_case() -> None:
    assert group_id(f" {GROUP.upper()} ") == GROUP
    with pytest.raises(ValueError, match="not an object id"):
        group_id("groups' or 1 eq 1")


def test_every_reason_and_every_state_has_its_row() -> None:
    assert set(REASONS) == set(Reason)
    assert set(STATES) == set(State)
    assert all(400 <= f.status < 600 and f.title and f.remedy for f in REASONS.values())


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("to", State)
def test_an_invitation_goes_only_where_the_table_leads(state: State, to: State) -> None:
    invitation = an_invitation(state=state)

    if to is state or to in STATES[state].followed_by:
        assert advance(invitation, to, NOW).state is to
    else:
        with pytest.raises(ValueError, match="is not followed by"):
            advance(invitation, to, NOW)


def test_a_member_whose_mail_failed_stays_a_member() -> None:
    invitation = failed(an_invitation(state=State.MAILING, message="hi"), Reason.GAVE_UP, "why", NOW)

    assert (invitation.state, invitation.reason) == (State.MEMBER, Reason.MAIL_NOT_SENT)
    assert invitation.is_final


def test_who_was_a_member_already_gets_no_mail() -> None:
    assert an_invitation(state=State.MEMBER, message="hi", already_member=True).is_final
    assert not an_invitation(state=State.MEMBER, message="hi").is_final


def test_seven_replication_waits_pass_two_minutes() -> None:
    assert sum((replication_wait(n) for n in range(7)), timedelta()) >= timedelta(seconds=120)
    assert replication_wait(1000) == timedelta(seconds=60)
    with pytest.raises(ValueError, match="from 0"):
        replication_wait(-1)


@given(st.integers(0, 50), st.one_of(st.none(), st.integers(0, 3600)), st.floats(0, 1))
def test_nobody_comes_back_before_retry_after(attempt: int, seconds: int | None, jitter: float) -> None:
    after = None if seconds is None else timedelta(seconds=seconds)

    wait = busy_wait(attempt, after, jitter)
    assert wait >= (after or timedelta(seconds=5))
    assert wait <= busy_again_wait(attempt, after, jitter) <= 8 * wait


@given(st.lists(st.tuples(st.integers(1, 10), st.integers(0, 90)), max_size=60))
def test_a_lane_never_starts_more_than_burst_and_pace_allow(work: list[tuple[int, int]]) -> None:
    pace = Pace(30, timedelta(minutes=1), burst=10)
    now, free, starts = NOW, None, []
    for units, pause in work:
        now += timedelta(seconds=pause)
        start, free = reserve(pace, free, units, now)
        assert start >= now
        starts.append((start, units))

    for begin, _ in starts:
        in_minute = sum(u for t, u in starts if begin <= t < begin + pace.time)
        assert in_minute <= pace.per + pace.burst


def test_more_than_the_burst_cannot_be_reserved_at_once() -> None:
    with pytest.raises(ValueError, match="between 1 and 10"):
        reserve(Pace(30, timedelta(minutes=1), 10), None, 11, NOW)


def test_a_tripped_breaker_gives_one_probe_an_interval() -> None:
    interval = timedelta(minutes=30)
    opened = trip(Breaker(), "suspicious", NOW, interval)

    assert opened.is_open
    assert take_probe(opened, NOW + timedelta(minutes=29), interval) is None
    taken = take_probe(opened, NOW + interval, interval)
    assert taken is not None
    assert take_probe(taken, NOW + interval, interval) is None
    assert trip(taken, "still", NOW + interval, interval).open_since == NOW
