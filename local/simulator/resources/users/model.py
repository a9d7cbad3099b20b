"""Rules of users without HTTP: what may be changed, sponsors, group checks."""

from ...call import Caller, Json
from ...directory.objects import DirectoryObject
from ...errors import GraphError, already_exist, bad_request, not_found, synced
from ...odata.shapes import checked_body
from ...world import World
from .. import property_rules

MAX_CHECKED = 20


def update(world: World, user: DirectoryObject, body: Json) -> None:
    """Change properties; null clears. A repeat changes nothing.

    Raises:
        GraphError: 404 while the new user cannot be written, 400 for a synced user or a bad property.
    """
    if world.new.hides(user.id, "users_patch", world.settings.replication.users_patch):
        text = "Unable to read the company information from the directory."
        raise GraphError(404, "Directory_ObjectNotFound", text)
    changes = checked_body(world.settings.odata, "user", body)
    property_rules.check("user", changes)
    if user.get("onPremisesSyncEnabled"):
        raise synced()
    changes.pop("passwordProfile", None)
    world.directory.change(user, changes)


def add_sponsor(world: World, user: DirectoryObject, sponsor: DirectoryObject) -> None:
    """Raises GraphError: 400 when it is one already (switch) or is neither a user nor a group."""
    if sponsor.kind not in {"user", "group"}:
        raise bad_request("A sponsor must be a user or a group.")
    if not world.directory.sponsors.add(user.id, sponsor.id) and world.settings.groups.sponsor_duplicate_is_error:
        raise already_exist("sponsors")


def remove_sponsor(world: World, user: DirectoryObject, sponsor_id: str) -> None:
    if not world.directory.sponsors.remove(user.id, sponsor_id):
        raise not_found(sponsor_id)


def is_guarded(world: World, user: DirectoryObject, caller: Caller) -> bool:
    """Whether the caller may not delete or disable the user, who holds a directory role: an app's permissions alone
    are not enough for that (Microsoft Graph, "Delete a user", "Who can perform sensitive actions"). Which roles an
    app would need itself is not simulated: every role guards its holder."""
    return caller.is_app and world.directory.has_role(user.id)


def member_groups(world: World, object_: DirectoryObject, *, security_only: bool = False) -> list[str]:
    """Ids of the groups the object is in, through other groups too; new memberships may not show yet."""
    window = world.settings.replication.members_read
    return [
        group.id
        for group in world.directory.groups_of(object_.id, transitive=True)
        if not (security_only and not group.get("securityEnabled"))
        and (world.new.is_empty or not world.new.hides(f"{group.id}/{object_.id}", "members_read", window))
    ]


def member_objects(world: World, object_: DirectoryObject, *, security_only: bool = False) -> list[str]:
    """As `member_groups`, with the administrative units and directory roles."""
    others = [h.id for h in world.directory.holders_of(object_.id, transitive=True) if h.kind != "group"]
    return [*member_groups(world, object_, security_only=security_only), *([] if security_only else others)]


def checked_ids(body: Json, name: str) -> list[str]:
    """The ids of a check body. Raises GraphError: 400 unless it is a list of at most 20 texts."""
    ids = body.get(name)
    if not isinstance(ids, list) or not all(isinstance(id_, str) for id_ in ids):
        raise bad_request(f"Parameter '{name}' is required and must be a collection of strings.")
    if len(ids) > MAX_CHECKED:
        raise bad_request(f"Too many elements in '{name}': at most {MAX_CHECKED} are allowed.")
    return ids
