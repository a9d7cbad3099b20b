"""The whole directory of one tenant: the sets of objects, their links, and the few moves that touch several."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .clock import monotonic, now, stamp
from .objects import Assignment, Assignments, DirectoryObject, ObjectSet, Properties, Relation


@dataclass(frozen=True, slots=True)
class Change:
    """`other` is the member or owner where `what` is a change of a relation."""

    kind: str
    id: str
    what: str
    other: str = ""


class ChangeLog:
    """Append-only; a position in it is what a delta token holds."""

    def __init__(self) -> None:
        self._entries: list[Change] = []

    @property
    def position(self) -> int:
        return len(self._entries)

    def record(self, kind: str, id_: str, what: str, other: str = "") -> None:
        self._entries.append(Change(kind, id_.lower(), what, other.lower()))

    def between(self, start: int, end: int, kind: str) -> list[Change]:
        return [change for change in self._entries[start:end] if change.kind == kind]


@dataclass(slots=True)
class TenantFacts:
    """Who the tenant is. `verified_domains` contains the initial domain."""

    id: str
    display_name: str
    initial_domain: str
    verified_domains: list[str]


@dataclass(frozen=True, slots=True)
class DeletedObject:
    """A soft-deleted user, group, application or service principal with what a restore brings back: who it was a
    member or an owner of, its own members and owners, and its app role assignments."""

    object: DirectoryObject
    deleted_at: datetime
    links: list[tuple[Relation, str, str]]
    assignments: list[Assignment]


class Directory:
    """Objects and links. Every change that a delta query could show goes through a method here."""

    def __init__(self, tenant: TenantFacts) -> None:
        self.tenant = tenant
        self.users = ObjectSet("user", ("mail", "userPrincipalName", "otherMails", "proxyAddresses"))
        self.groups = ObjectSet("group", ("displayName", "mail", "proxyAddresses", "uniqueName"))
        self.service_principals = ObjectSet("servicePrincipal", ("appId", "displayName"))
        self.applications = ObjectSet("application", ("appId", "displayName", "uniqueName", "identifierUris"))
        self.administrative_units = ObjectSet("administrativeUnit", ("displayName",))
        self.directory_roles = ObjectSet("directoryRole", ("displayName", "roleTemplateId"))
        kinds = (self.users, self.groups, self.service_principals, self.applications)
        self._sets = {each.kind: each for each in (*kinds, self.administrative_units, self.directory_roles)}
        self.members = Relation()
        """Of groups, administrative units and directory roles."""
        self.owners = Relation()
        self.sponsors = Relation()
        self.managers = Relation()
        self.assignments = Assignments()
        self.contacts: set[str] = set()
        self.mailboxes: set[str] = set()
        self.deleted: dict[str, DeletedObject] = {}
        self.group_settings: dict[str, dict[str, Any]] = {}
        self.authorization_policy: Properties = {}
        self.cross_tenant: Properties = {}
        self.partners: dict[str, Properties] = {}
        self.changes = ChangeLog()
        self._removed: dict[tuple[str, str], float] = {}

    def set_of(self, kind: str) -> ObjectSet:
        return self._sets[kind]

    def find(self, id_: str) -> DirectoryObject | None:
        """Any object by its id."""
        return next((found for objects in self._sets.values() if (found := objects.get(id_)) is not None), None)

    def find_user(self, key: str) -> DirectoryObject | None:
        """A user by id or by user principal name."""
        user = self.users.get(key)
        if user is None and "@" in key:
            user = next(iter(self.users.having("userPrincipalName", key)), None)
        return user

    def create(self, kind: str, properties: Properties) -> DirectoryObject:
        object_ = self.set_of(kind).add({"id": str(uuid.uuid4()), **properties})
        self.changes.record(kind, object_.id, "created")
        return object_

    def change(self, object_: DirectoryObject, changes: Properties) -> None:
        self.set_of(object_.kind).change(object_, changes)
        self.changes.record(object_.kind, object_.id, "changed")

    def link(self, relation: Relation, group: str, target: str) -> bool:
        """Add a member or an owner of a group; False when it was one."""
        if not relation.add(group, target):
            return False
        self._record_link(relation, group, target)
        return True

    def unlink(self, relation: Relation, group: str, target: str) -> bool:
        """Remove a member or an owner of a group; False when it was none."""
        if not relation.remove(group, target):
            return False
        self._record_link(relation, group, target)
        if relation is self.members:
            self._removed[group.lower(), target.lower()] = monotonic()
        return True

    def removed_ms_ago(self, group: str, member: str) -> float | None:
        """How long ago the member was removed from the group, None when it never was."""
        moment = self._removed.get((group.lower(), member.lower()))
        return None if moment is None else (monotonic() - moment) * 1000

    def groups_of(self, id_: str, *, transitive: bool) -> list[DirectoryObject]:
        """The groups an object is a member of, through other groups as well when asked."""
        return [found for found in self.holders_of(id_, transitive=transitive) if found.kind == "group"]

    def holders_of(self, id_: str, *, transitive: bool) -> list[DirectoryObject]:
        """The groups, administrative units and directory roles an object is a member of."""
        found: dict[str, DirectoryObject] = {}
        waiting = [id_]
        while waiting:
            for key in self.members.to(waiting.pop()):
                holder = self.find(key)
                if holder is not None and key not in found:
                    found[key] = holder
                    if transitive:
                        waiting.append(key)
        return list(found.values())

    def has_role(self, id_: str) -> bool:
        """Whether an object holds a directory role, through a group or by itself."""
        return any(holder.kind == "directoryRole" for holder in self.holders_of(id_, transitive=True))

    def delete(self, object_: DirectoryObject) -> None:
        """Move an object to the deleted items; its links and assignments go with it and come back with `restore`.
        With an application goes its service principal."""
        if object_.kind == "application":
            for principal in self.service_principals.having("appId", str(object_.get("appId"))):
                self._bin(principal)
        self._bin(object_)

    def restore(self, gone: DeletedObject) -> DirectoryObject:
        """Put a deleted object back with the links whose other end still is."""
        del self.deleted[gone.object.id.lower()]
        gone.object.properties.pop("deletedDateTime", None)
        object_ = self.set_of(gone.object.kind).add(gone.object.properties)
        for relation, source, target in gone.links:
            if self.find(source) is not None and self.find(target) is not None:
                self.link(relation, source, target)
        for assignment in gone.assignments:
            if self.find(assignment.principal_id) and self.find(assignment.resource_id):
                self.assignments.add(assignment)
        self.changes.record(object_.kind, object_.id, "created")
        return object_

    def purge(self, gone: DeletedObject) -> None:
        """Remove a deleted object for good: a delta query then gives ``deleted`` as the reason."""
        del self.deleted[gone.object.id.lower()]
        self.changes.record(gone.object.kind, gone.object.id, "purged")

    def purge_before(self, oldest: datetime) -> None:
        """Remove for good what was deleted at that moment or before."""
        for gone in [gone for gone in self.deleted.values() if gone.deleted_at <= oldest]:
            self.purge(gone)

    def _bin(self, object_: DirectoryObject) -> None:
        links = [
            (relation, *pair)
            for relation in (self.members, self.owners)
            for pair in (
                *((source, object_.id) for source in relation.to(object_.id)),
                *((object_.id, target) for target in relation.of(object_.id)),
            )
        ]
        gone = DeletedObject(object_, now(), links, self.assignments.forget(object_.id))
        for link in links:
            self.unlink(*link)
        self.set_of(object_.kind).remove(object_)
        object_.properties["deletedDateTime"] = stamp(gone.deleted_at)
        self.deleted[object_.id.lower()] = gone
        self.changes.record(object_.kind, object_.id, "deleted")

    def _record_link(self, relation: Relation, source: str, target: str) -> None:
        """Of owners only those of groups: delta queries tell of no others."""
        holder = self.find(source)
        kind = "group" if holder is None else holder.kind
        if relation is self.members or kind == "group":
            self.changes.record(kind, source, "members" if relation is self.members else "owners", target)
