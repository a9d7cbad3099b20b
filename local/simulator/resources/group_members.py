"""Who may become or stop being a member or an owner of which group (graph contract "Groups", "Owners and delta"). No
HTTP."""

from ..audits import Actor, user_target
from ..call import Caller
from ..errors import GraphError, already_exist, bad_request, denied, mail_enabled, not_found, removed_missing, synced
from ..objects import DirectoryObject
from ..world import World
from .group_settings import allows_guests
from .permissions import ROLE_MANAGEMENT


def check_kind(world: World, group: DirectoryObject, caller: Caller) -> None:
    """Raises GraphError: the group's kind takes no change of members from this caller."""
    if group.get("onPremisesSyncEnabled"):
        raise synced()
    kinds = group.get("groupTypes") or []
    if "DynamicMembership" in kinds:
        if world.settings.groups.dynamic_refusal == "403":
            raise denied()
        raise bad_request("Members of a dynamic membership group cannot be changed.")
    if group.get("mailEnabled") and "Unified" not in kinds:
        raise mail_enabled()
    if group.get("isAssignableToRole") and not caller.may(ROLE_MANAGEMENT):
        raise denied()


def add(world: World, group: DirectoryObject, members: list[DirectoryObject], caller: Caller, actor: Actor) -> None:
    """Add all of them or, when one cannot be added, none. Raises GraphError: as `check_kind`; 404 for a member too
    new to be seen; 400 "already exist" when one is a member; 403 for a guest in a Microsoft 365 group that takes
    none."""
    if not members:
        return
    check_kind(world, group, caller)
    window = world.settings.replication.members_add
    for member in members:
        if world.new.hides(member.id, "members_add", window):
            raise not_found(member.id)
        if member.id == group.id or member.kind == "application":
            raise bad_request("Invalid object reference for property 'members'.")
        if member.get("userType") == "Guest" and not allows_guests(world, group):
            text = "Guests users are not allowed to join this Unified group due to policy setting."
            raise GraphError(403, "Authorization_RequestDenied", text)
    if any(world.directory.members.holds(group.id, member.id) for member in members):
        raise already_exist("members")
    for member in members:
        world.directory.link(world.directory.members, group.id, member.id)
        world.new.announce(f"{group.id}/{member.id}")
        _audit(world, "Add member to group", "Assign", group, member, actor)


def remove(world: World, group: DirectoryObject, member_id: str, caller: Caller, actor: Actor) -> None:
    """Remove a member. Raises GraphError: as `check_kind`; 404 or 400 when it is no member (switch)."""
    check_kind(world, group, caller)
    if not world.directory.unlink(world.directory.members, group.id, member_id):
        raise _no_member(world, group, member_id)
    member = world.directory.find(member_id)
    if member is not None:
        _audit(world, "Remove member from group", "Unassign", group, member, actor)


def check_new_owners(world: World, group: DirectoryObject, owners: list[DirectoryObject]) -> None:
    """Raises GraphError: 400 for a synced group, an owner of the wrong kind, or one it has already."""
    if owners and group.get("onPremisesSyncEnabled"):
        raise synced()
    for owner in owners:
        if owner.kind not in {"user", "servicePrincipal"}:
            raise bad_request("Invalid object reference for property 'owners'.")
        if world.directory.owners.holds(group.id, owner.id):
            raise already_exist("owners")


def add_owners(
    world: World, group: DirectoryObject, owners: list[DirectoryObject], caller: Caller, *, checked: bool = False
) -> None:
    """Raises GraphError: as `check_new_owners`; 403 for a role-assignable group without its permission."""
    if owners and group.get("isAssignableToRole") and not caller.may(ROLE_MANAGEMENT):
        raise denied()
    if not checked:
        check_new_owners(world, group, owners)
    for owner in owners:
        world.directory.link(world.directory.owners, group.id, owner.id)


def remove_owner(world: World, group: DirectoryObject, owner_id: str, caller: Caller) -> None:
    """Raises GraphError: 400 for the last owner or a synced group, 404 for who is no owner."""
    if group.get("onPremisesSyncEnabled"):
        raise synced()
    if group.get("isAssignableToRole") and not caller.may(ROLE_MANAGEMENT):
        raise denied()
    if not world.directory.owners.holds(group.id, owner_id):
        raise not_found(owner_id)
    if len(world.directory.owners.of(group.id)) == 1:
        raise bad_request("The group must have at least one owner, hence this owner cannot be removed.")
    world.directory.unlink(world.directory.owners, group.id, owner_id)


def _audit(
    world: World, activity: str, operation: str, group: DirectoryObject, member: DirectoryObject, actor: Actor
) -> None:
    world.audits.write(
        activity,
        by=actor,
        target=user_target(member),
        category="GroupManagement",
        operation=operation,
        details={"Group.ObjectID": group.id},
    )


def _no_member(world: World, group: DirectoryObject, member_id: str) -> GraphError:
    rules = world.settings.groups
    ago_ms = world.directory.removed_ms_ago(group.id, member_id)
    is_recent = ago_ms is not None and ago_ms < rules.recent_removal_ms
    if rules.missing_member_refusal == "400" or (rules.missing_member_refusal == "recent" and is_recent):
        return removed_missing("members")
    return not_found(member_id)
