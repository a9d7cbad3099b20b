"""Who may become or stop being a member of which group (graph contract "Groups"). No HTTP."""

from ...audits import Actor, user_target
from ...call import Caller
from ...directory.objects import DirectoryObject
from ...errors import (
    GraphError,
    already_exist,
    bad_request,
    denied,
    mail_enabled,
    not_found,
    removed_missing,
    synced,
)
from ...world import World
from ..group_settings import allows_guests
from ..permissions import ROLE_MANAGEMENT


def refusal(world: World, group: DirectoryObject, caller: Caller) -> GraphError | None:
    """Why the group's kind takes no change of members from this caller, or None."""
    if group.get("onPremisesSyncEnabled"):
        return synced()
    kinds = group.get("groupTypes") or []
    if "DynamicMembership" in kinds:
        if world.settings.groups.dynamic_refusal == "403":
            return denied()
        return bad_request("Members of a dynamic membership group cannot be changed.")
    if group.get("mailEnabled") and "Unified" not in kinds:
        return mail_enabled()
    if group.get("isAssignableToRole") and not caller.may(ROLE_MANAGEMENT):
        return denied()
    return None


def add(world: World, group: DirectoryObject, members: list[DirectoryObject], caller: Caller, actor: Actor) -> None:
    """Add all of them or, when one cannot be added, none.

    Raises:
        GraphError: the refusal of the group's kind; 404 for a member too new to be seen; 400 "already exist"
            when one is a member; 403 for a guest in a Microsoft 365 group that takes none.
    """
    if not members:
        return
    refused = refusal(world, group, caller)
    if refused is not None:
        raise refused
    window = world.settings.replication.members_add
    for member in members:
        if world.new.hides(member.id, "members_add", window):
            raise not_found(member.id)
        if member.id == group.id or member.kind == "application":
            raise bad_request("Invalid object reference for property 'members'.")
        if member.get("userType") == "Guest" and not allows_guests(world, group):
            raise GraphError(
                403,
                "Authorization_RequestDenied",
                "Guests users are not allowed to join this Unified group due to policy setting.",
            )
    if any(world.directory.members.holds(group.id, member.id) for member in members):
        raise already_exist("members")
    for member in members:
        world.directory.link(world.directory.members, group.id, member.id)
        world.new.announce(f"{group.id}/{member.id}")
        world.audits.write(
            "Add member to group",
            by=actor,
            target=user_target(member.id, member.get("userPrincipalName"), member.get("displayName")),
            category="GroupManagement",
            operation="Assign",
            details={"Group.ObjectID": group.id},
        )


def remove(world: World, group: DirectoryObject, member_id: str, caller: Caller, actor: Actor) -> None:
    """Remove a member.

    Raises:
        GraphError: the refusal of the group's kind; 404 or 400 when it is no member (switch).
    """
    refused = refusal(world, group, caller)
    if refused is not None:
        raise refused
    if not world.directory.unlink(world.directory.members, group.id, member_id):
        raise _no_member(world, group, member_id)
    member = world.directory.find(member_id)
    if member is not None:
        world.audits.write(
            "Remove member from group",
            by=actor,
            target=user_target(member.id, member.get("userPrincipalName"), member.get("displayName")),
            category="GroupManagement",
            operation="Unassign",
            details={"Group.ObjectID": group.id},
        )


def _no_member(world: World, group: DirectoryObject, member_id: str) -> GraphError:
    rules = world.settings.groups
    ago_ms = world.directory.removed_ms_ago(group.id, member_id)
    is_recent = ago_ms is not None and ago_ms < rules.recent_removal_ms
    if rules.missing_member_refusal == "400" or (rules.missing_member_refusal == "recent" and is_recent):
        return removed_missing("members")
    return not_found(member_id)
