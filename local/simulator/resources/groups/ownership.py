"""Who owns a group (graph contract "Groups", "Owners and delta"). No HTTP."""

from ...call import Caller
from ...directory.objects import DirectoryObject
from ...errors import already_exist, bad_request, denied, not_found, synced
from ...world import World
from ..permissions import ROLE_MANAGEMENT


def check_new(world: World, group: DirectoryObject, owners: list[DirectoryObject]) -> None:
    """Raises GraphError: 400 for a synced group, an owner of the wrong kind, or one it has already."""
    if owners and group.get("onPremisesSyncEnabled"):
        raise synced()
    for owner in owners:
        if owner.kind not in {"user", "servicePrincipal"}:
            raise bad_request("Invalid object reference for property 'owners'.")
        if world.directory.owners.holds(group.id, owner.id):
            raise already_exist("owners")


def add(
    world: World, group: DirectoryObject, owners: list[DirectoryObject], caller: Caller, *, checked: bool = False
) -> None:
    """Raises GraphError: as `check_new`; 403 for a role-assignable group without its permission."""
    if owners and group.get("isAssignableToRole") and not caller.may(ROLE_MANAGEMENT):
        raise denied()
    if not checked:
        check_new(world, group, owners)
    for owner in owners:
        world.directory.link(world.directory.owners, group.id, owner.id)


def remove(world: World, group: DirectoryObject, owner_id: str, caller: Caller) -> None:
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
