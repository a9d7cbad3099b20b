"""Cases for users, groups and their links through msgraph-sdk."""

from typing import Any
from uuid import UUID

from msgraph.generated.directory_objects.item.check_member_groups.check_member_groups_post_request_body import (
    CheckMemberGroupsPostRequestBody as OfObject,
)
from msgraph.generated.groups.groups_request_builder import GroupsRequestBuilder
from msgraph.generated.models.app_role_assignment import AppRoleAssignment
from msgraph.generated.models.directory_object import DirectoryObject
from msgraph.generated.models.group import Group
from msgraph.generated.models.group_setting import GroupSetting
from msgraph.generated.models.invitation import Invitation
from msgraph.generated.models.password_profile import PasswordProfile
from msgraph.generated.models.service_principal import ServicePrincipal
from msgraph.generated.models.setting_value import SettingValue
from msgraph.generated.models.user import User
from msgraph.generated.users.item.check_member_groups.check_member_groups_post_request_body import (
    CheckMemberGroupsPostRequestBody,
)
from msgraph.generated.users.item.check_member_objects.check_member_objects_post_request_body import (
    CheckMemberObjectsPostRequestBody,
)
from msgraph.generated.users.item.get_member_groups.get_member_groups_post_request_body import (
    GetMemberGroupsPostRequestBody,
)
from msgraph.generated.users.item.get_member_objects.get_member_objects_post_request_body import (
    GetMemberObjectsPostRequestBody,
)
from msgraph.generated.users.users_request_builder import UsersRequestBuilder

from tests.simulator.sdk_tenant import Cases, Tenant, asked, eventual, some
from tests.simulator.simulated_graph import ANY_ROLE, APP, GUS, OLIVIA, OSCAR, TRAVEL

EMMA = "00000105-0000-4000-8000-000000000105"
TEAM = "00000206-0000-4000-8000-000000000206"
cases = Cases()


def ids(found: Any) -> set[str]:
    """Of the objects of a collection's answer, each of which must be a typed directory object."""
    objects = some(some(found).value)
    assert all(isinstance(object_, DirectoryObject) for object_ in objects)
    return {some(object_.id) for object_ in objects}


def texts(found: Any) -> set[str]:
    return set(some(some(found).value))


@cases.covers("POST /invitations")
async def invitations(t: Tenant) -> None:
    wanted = Invitation(
        invited_user_email_address="ada@fabrikam.com", invite_redirect_url="https://myapps.microsoft.com"
    )
    made = some(await t.client.invitations.post(wanted))
    assert made.status == "PendingAcceptance"
    assert some(made.invite_redeem_url).startswith("https://login.microsoftonline.com/redeem")
    assert some(some(made.invited_user).id)


@cases.covers("GET /users", "GET /users/{user}", "GET /users/$count", "GET /users/delta", "GET /me")
async def people(t: Tenant) -> None:
    query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
        filter="userType eq 'Guest'", select=["id", "userType", "externalUserState"]
    )
    [guest] = some(some(await t.client.users.get(asked(query))).value)
    assert (guest.id, guest.user_type, guest.external_user_state) == (GUS, "Guest", "Accepted")
    olivia = some(await t.client.users.by_user_id("olivia.owner@contoso.com").get())
    assert (olivia.id, olivia.display_name) == (OLIVIA, "Olivia Owner")
    assert some(await t.client.users.count.get(eventual())) == len(t.simulator.world.directory.users)
    changes = some(await t.client.users.delta.get())
    assert GUS in ids(changes)
    assert "$deltatoken=" in some(changes.odata_delta_link)
    assert some(await t.as_person(OLIVIA).me.get()).id == OLIVIA


@cases.covers("POST /users", "PATCH /users/{user}", "DELETE /users/{user}")
async def a_new_employee(t: Tenant) -> None:
    made = some(
        await t.client.users.post(
            User(
                account_enabled=True,
                display_name="Nina New",
                mail_nickname="nina",
                user_principal_name="nina@contoso.com",
                password_profile=PasswordProfile(password="Wx7-longer", force_change_password_next_sign_in=False),
            )
        )
    )
    nina = t.client.users.by_user_id(some(made.id))
    assert await nina.patch(User(job_title="Clerk")) is None
    assert some(await nina.get()).job_title == "Clerk"
    await nina.delete()
    assert some(made.id).lower() in t.simulator.world.directory.deleted


@cases.covers(
    "GET /users/{user}/sponsors", "POST /users/{user}/sponsors/$ref", "DELETE /users/{user}/sponsors/{sponsor}/$ref"
)
async def sponsors(t: Tenant) -> None:
    of_gus = t.client.users.by_user_id(GUS).sponsors
    await of_gus.ref.post(t.ref(OLIVIA))
    assert ids(await of_gus.get()) == {OLIVIA}
    await of_gus.by_directory_object_id(OLIVIA).ref.delete()
    assert ids(await of_gus.get()) == set()


@cases.covers("GET /users/{user}/manager", "PUT /users/{user}/manager/$ref", "DELETE /users/{user}/manager/$ref")
async def a_manager(t: Tenant) -> None:
    of_emma = t.client.users.by_user_id(EMMA).manager
    await of_emma.ref.put(t.new_ref(OLIVIA))
    await of_emma.ref.put(t.new_ref(OSCAR))
    manager = some(await of_emma.get())
    assert isinstance(manager, User)
    assert manager.id == OSCAR
    await of_emma.ref.delete()


async def nested(t: Tenant, member: str) -> str:
    """The member is in the travel group, which is in another; gives the other."""
    outer = some(
        await t.client.groups.post(
            Group(display_name="Outer", mail_enabled=False, mail_nickname="outer", security_enabled=True)
        )
    )
    await t.client.groups.by_group_id(TRAVEL).members.ref.post(t.ref(member))
    await t.client.groups.by_group_id(some(outer.id)).members.ref.post(t.ref(TRAVEL))
    return some(outer.id)


def _holder_routes(base: str, *, roles: bool = True) -> tuple[str, ...]:
    casts = ("", "/graph.group", "/graph.administrativeUnit", *(["/graph.directoryRole"] if roles else []))
    return tuple(
        f"GET {base}/{name}{cast}{count}"
        for name in ("memberOf", "transitiveMemberOf")
        for cast in casts
        for count in ("", "/$count")
    )


async def _holders(object_: Any, direct: set[str], all_: set[str], *, roles: bool = True) -> None:
    for builder, expected in ((object_.member_of, direct), (object_.transitive_member_of, all_)):
        assert ids(await builder.get()) == expected
        groups = some(some(await builder.graph_group.get()).value)
        assert {group.id for group in groups} == expected
        assert all(isinstance(group, Group) for group in groups)
        assert await builder.count.get(eventual()) == len(expected)
        assert await builder.graph_group.count.get(eventual()) == len(expected)
        others = [builder.graph_administrative_unit, *([builder.graph_directory_role] if roles else [])]
        for other in others:
            assert some(await other.get()).value == []
            assert await other.count.get(eventual()) == 0


@cases.covers(*_holder_routes("/users/{user}"))
async def what_a_user_is_in(t: Tenant) -> None:
    outer = await nested(t, GUS)
    await _holders(t.client.users.by_user_id(GUS), {TRAVEL}, {TRAVEL, outer})


@cases.covers(*_holder_routes("/groups/{group}", roles=False))
async def what_a_group_is_in(t: Tenant) -> None:
    outer = await nested(t, GUS)
    await _holders(t.client.groups.by_group_id(TRAVEL), {outer}, {outer}, roles=False)


@cases.covers(*_holder_routes("/servicePrincipals/{servicePrincipal}"))
async def what_an_app_is_in(t: Tenant) -> None:
    outer = await nested(t, APP)
    await _holders(t.client.service_principals.by_service_principal_id(APP), {TRAVEL}, {TRAVEL, outer})


def _check_routes(base: str) -> tuple[str, ...]:
    actions = ("checkMemberGroups", "checkMemberObjects", "getMemberGroups", "getMemberObjects")
    return tuple(f"POST {base}/{action}" for action in actions)


async def _checks(object_: Any, groups: set[str]) -> None:
    # The four bodies are one type for each path, with the same names.
    wanted = [*groups, TEAM]
    assert texts(await object_.check_member_groups.post(CheckMemberGroupsPostRequestBody(group_ids=wanted))) == groups
    assert texts(await object_.check_member_objects.post(CheckMemberObjectsPostRequestBody(ids=wanted))) == groups
    any_kind = GetMemberGroupsPostRequestBody(security_enabled_only=False)
    assert texts(await object_.get_member_groups.post(any_kind)) == groups
    of_any = GetMemberObjectsPostRequestBody(security_enabled_only=False)
    assert texts(await object_.get_member_objects.post(of_any)) == groups


@cases.covers(
    *_check_routes("/users/{user}"),
    *_check_routes("/groups/{group}"),
    *_check_routes("/servicePrincipals/{servicePrincipal}"),
    *_check_routes("/directoryObjects/{object}"),
)
async def checks_of_membership(t: Tenant) -> None:
    outer = await nested(t, GUS)
    await _checks(t.client.users.by_user_id(GUS), {TRAVEL, outer})
    await _checks(t.client.groups.by_group_id(TRAVEL), {outer})
    await _checks(t.client.directory_objects.by_directory_object_id(GUS), {TRAVEL, outer})
    await t.client.groups.by_group_id(outer).members.ref.post(t.ref(APP))
    await _checks(t.client.service_principals.by_service_principal_id(APP), {outer})
    of_group = t.client.directory_objects.by_directory_object_id(TRAVEL)
    assert texts(await of_group.check_member_groups.post(OfObject(group_ids=[outer, TEAM]))) == {outer}


@cases.covers("GET /users/{user}/ownedObjects", "GET /users/{user}/ownedObjects/graph.group")
async def what_a_user_owns(t: Tenant) -> None:
    owned = t.client.users.by_user_id(OSCAR).owned_objects
    assert TRAVEL in ids(await owned.get())
    groups = some(some(await owned.graph_group.get()).value)
    assert TRAVEL in {group.id for group in groups}


def _assignment_routes(base: str, name: str = "appRoleAssignments") -> tuple[str, ...]:
    return (f"GET {base}/{name}", f"POST {base}/{name}", f"DELETE {base}/{name}/{{assignment}}")


@cases.covers(
    *_assignment_routes("/users/{user}"),
    *_assignment_routes("/groups/{group}"),
    *_assignment_routes("/servicePrincipals/{servicePrincipal}"),
    *_assignment_routes("/servicePrincipals/{servicePrincipal}", "appRoleAssignedTo"),
)
async def app_roles(t: Tenant) -> None:
    principals = t.client.service_principals
    reader = next(
        role
        for role in some(some(await principals.by_service_principal_id(t.graph_principal).get()).app_roles)
        if role.value == "Group.Read.All"
    )
    of_app = (APP, t.graph_principal, str(reader.id))
    for builder, (principal, resource, role) in (
        (t.client.users.by_user_id(GUS).app_role_assignments, (GUS, APP, ANY_ROLE)),
        (t.client.groups.by_group_id(TEAM).app_role_assignments, (TEAM, APP, ANY_ROLE)),
        (principals.by_service_principal_id(APP).app_role_assignments, of_app),
        (principals.by_service_principal_id(APP).app_role_assigned_to, (EMMA, APP, ANY_ROLE)),
    ):
        made = some(await builder.post(assignment(principal, resource, role)))
        assert str(made.resource_id) == resource
        listed = some(some(await builder.get()).value)
        assert made.id in {one.id for one in listed}
        await builder.by_app_role_assignment_id(some(made.id)).delete()
        assert made.id not in {one.id for one in some(some(await builder.get()).value)}


def assignment(principal: str, resource: str, role: str) -> AppRoleAssignment:
    return AppRoleAssignment(principal_id=UUID(principal), resource_id=UUID(resource), app_role_id=UUID(role))


@cases.covers(
    "GET /groups",
    "POST /groups",
    "GET /groups/$count",
    "GET /groups/delta",
    "GET /groups/{group}",
    "PATCH /groups/{group}",
    "DELETE /groups/{group}",
    "GET /groups/(uniqueName=)/{uniqueName}",
    "PATCH /groups/(uniqueName=)/{uniqueName}",
)
async def groups(t: Tenant) -> None:
    wanted = Group(display_name="Travel 2027", mail_enabled=False, mail_nickname="t27", security_enabled=True)
    made = some(await t.client.groups.post(wanted))
    group = t.client.groups.by_group_id(some(made.id))
    await group.patch(Group(description="Who travels"))
    assert some(await group.get()).description == "Who travels"
    query = GroupsRequestBuilder.GroupsRequestBuilderGetQueryParameters(filter="displayName eq 'Travel 2027'")
    assert ids(await t.client.groups.get(asked(query))) == {made.id}
    assert await t.client.groups.count.get(eventual()) == len(t.simulator.world.directory.groups)
    assert made.id in ids(await t.client.groups.delta.get())
    await group.delete()
    named = t.client.groups_with_unique_name("t28")
    upserted = some(await named.patch(wanted, asked(Prefer="create-if-missing")))
    assert some(await named.get()).id == upserted.id


_KINDS = ("", "/graph.user", "/graph.group", "/graph.servicePrincipal")


def _link_routes(name: str, *, changed: bool = True) -> tuple[str, ...]:
    base = f"/groups/{{group}}/{name}"
    reads = [f"GET {base}{kind}{count}" for kind in _KINDS for count in ("", "/$count")]
    changes = [f"GET {base}/$ref", f"POST {base}/$ref", f"DELETE {base}/{{object}}/$ref"] if changed else []
    return (*reads, *changes)


async def _links(builder: Any, expected: set[str], users: set[str], principals: set[str]) -> None:
    assert ids(await builder.get()) == expected
    assert await builder.count.get(eventual()) == len(expected)
    for cast, kind, found in (
        (builder.graph_user, User, users),
        (builder.graph_service_principal, ServicePrincipal, principals),
        (builder.graph_group, Group, expected - users - principals),
    ):
        objects = some(some(await cast.get()).value)
        assert {object_.id for object_ in objects} == found
        assert all(isinstance(object_, kind) for object_ in objects)
        assert await cast.count.get(eventual()) == len(found)


@cases.covers(*_link_routes("members"), *_link_routes("transitiveMembers", changed=False))
async def members(t: Tenant) -> None:
    outer = t.client.groups.by_group_id(await nested(t, GUS))
    for member in (OLIVIA, APP):
        await outer.members.ref.post(t.ref(member))
    await _links(outer.members, {TRAVEL, OLIVIA, APP}, {OLIVIA}, {APP})
    await _links(outer.transitive_members, {TRAVEL, OLIVIA, APP, GUS}, {OLIVIA, GUS}, {APP})
    # The client expects texts where Graph answers objects: their number is all it can read.
    assert len(some(some(await outer.members.ref.get()).value)) == 3
    await outer.members.by_directory_object_id(OLIVIA).ref.delete()
    assert ids(await outer.members.get()) == {TRAVEL, APP}


@cases.covers(*_link_routes("owners"))
async def owners(t: Tenant) -> None:
    of_travel = t.client.groups.by_group_id(TRAVEL).owners
    await of_travel.ref.post(t.ref(APP))
    await _links(of_travel, {OLIVIA, OSCAR, APP}, {OLIVIA, OSCAR}, {APP})
    assert len(some(some(await of_travel.ref.get()).value)) == 3
    await of_travel.by_directory_object_id(APP).ref.delete()
    assert ids(await of_travel.get()) == {OLIVIA, OSCAR}


_SETTINGS = ("/groupSettings", "/groups/{group}/settings")


@cases.covers(
    "GET /groupSettingTemplates",
    "GET /groupSettingTemplates/{template}",
    *(f"{method} {base}" for base in _SETTINGS for method in ("GET", "POST")),
    *(f"{method} {base}/{{setting}}" for base in _SETTINGS for method in ("GET", "PATCH", "DELETE")),
)
async def settings_of_groups(t: Tenant) -> None:
    templates = some(some(await t.client.group_setting_templates.get()).value)
    for builder, name in (
        (t.client.group_settings, "Group.Unified"),
        (t.client.groups.by_group_id(TEAM).settings, "Group.Unified.Guest"),
    ):
        template = next(template for template in templates if template.display_name == name)
        again = some(await t.client.group_setting_templates.by_group_setting_template_id(some(template.id)).get())
        values = [SettingValue(name=v.name, value=v.default_value) for v in some(again.values)]
        made = some(await builder.post(GroupSetting(template_id=template.id, values=values)))
        one = builder.by_group_setting_id(some(made.id))
        changed = [
            SettingValue(name=v.name, value="false" if v.name == "AllowToAddGuests" else v.value) for v in values
        ]
        await one.patch(GroupSetting(values=changed))
        kept = {value.name: value.value for value in some(some(await one.get()).values)}
        assert kept["AllowToAddGuests"] == "false"
        assert made.id in {setting.id for setting in some(some(await builder.get()).value)}
        await one.delete()
