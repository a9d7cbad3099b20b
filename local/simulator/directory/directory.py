"""The whole directory of one tenant: the sets of objects, their links, and the few moves that touch several."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..clock import monotonic, now, stamp
from .changes import ChangeLog
from .objects import DirectoryObject, ObjectSet, Properties
from .relations import Assignment, Assignments, Relation


@dataclass(slots=True)
class TenantFacts:
    """Who the tenant is. `verified_domains` contains the initial domain."""

    id: str
    display_name: str
    initial_domain: str
    verified_domains: list[str]


@dataclass(slots=True)
class DeletedObject:
    """A soft-deleted user, application or service principal with what a restore brings back."""

    object: DirectoryObject
    deleted_at: datetime
    groups: list[str] = field(default_factory=list)
    owned: list[str] = field(default_factory=list)
    owners: list[str] = field(default_factory=list)
    assignments: list[Assignment] = field(default_factory=list)


class Directory:
    """Objects and links. Every change that a delta query could show goes through a method here."""

    def __init__(self, tenant: TenantFacts) -> None:
        self.tenant = tenant
        self.users = ObjectSet("user", ("mail", "userPrincipalName", "otherMails", "proxyAddresses"))
        self.groups = ObjectSet("group", ("displayName", "mail", "proxyAddresses", "uniqueName"))
        self.service_principals = ObjectSet("servicePrincipal", ("appId", "displayName"))
        self.applications = ObjectSet("application", ("appId", "displayName", "uniqueName", "identifierUris"))
        self.members = Relation()
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
        return {
            "user": self.users,
            "group": self.groups,
            "servicePrincipal": self.service_principals,
            "application": self.applications,
        }[kind]

    def find(self, id_: str) -> DirectoryObject | None:
        """Any object by its id."""
        return (
            self.users.get(id_)
            or self.groups.get(id_)
            or self.service_principals.get(id_)
            or self.applications.get(id_)
        )

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
        self.changes.record("group", group, self._name(relation), target)
        return True

    def unlink(self, relation: Relation, group: str, target: str) -> bool:
        """Remove a member or an owner of a group; False when it was none."""
        if not relation.remove(group, target):
            return False
        self.changes.record("group", group, self._name(relation), target)
        if relation is self.members:
            self._removed[group.lower(), target.lower()] = monotonic()
        return True

    def removed_ms_ago(self, group: str, member: str) -> float | None:
        """How long ago the member was removed from the group, None when it never was."""
        moment = self._removed.get((group.lower(), member.lower()))
        return None if moment is None else (monotonic() - moment) * 1000

    def groups_of(self, id_: str, *, transitive: bool) -> list[DirectoryObject]:
        """The groups an object is a member of, through other groups as well when asked."""
        found: dict[str, DirectoryObject] = {}
        waiting = [id_]
        while waiting:
            for key in self.members.to(waiting.pop()):
                group = self.groups.get(key)
                if group is not None and key not in found:
                    found[key] = group
                    if transitive:
                        waiting.append(key)
        return list(found.values())

    def delete_user(self, user: DirectoryObject) -> None:
        """Move a user to the deleted items; its links go with it and come back with `restore`."""
        self._bin(user)

    def delete_application(self, application: DirectoryObject) -> None:
        """Move an application and its service principal to the deleted items."""
        for principal in self.service_principals.having("appId", str(application.get("appId"))):
            self.delete_service_principal(principal)
        self._bin(application)

    def delete_service_principal(self, principal: DirectoryObject) -> None:
        """Move a service principal to the deleted items; its application stays."""
        self._bin(principal)

    def restore(self, gone: DeletedObject) -> DirectoryObject:
        """Put a deleted object back with the links whose other end still is."""
        del self.deleted[gone.object.id.lower()]
        gone.object.properties.pop("deletedDateTime", None)
        object_ = self.set_of(gone.object.kind).add(gone.object.properties)
        for group in gone.groups:
            if self.groups.get(group) is not None:
                self.link(self.members, group, object_.id)
        for owned in gone.owned:
            if self.groups.get(owned) is not None:
                self.link(self.owners, owned, object_.id)
            elif self.find(owned) is not None:
                self.owners.add(owned, object_.id)
        for owner in gone.owners:
            if self.find(owner) is not None:
                self.owners.add(object_.id, owner)
        for assignment in gone.assignments:
            if self.find(assignment.principal_id) and self.find(assignment.resource_id):
                self.assignments.add(assignment)
        self.changes.record(object_.kind, object_.id, "created")
        return object_

    def delete_object(self, object_: DirectoryObject) -> None:
        """Remove a group for good, with its links."""
        for relation in (self.members, self.owners):
            relation.forget(object_.id)
        self.assignments.forget(object_.id)
        self.set_of(object_.kind).remove(object_)
        self.changes.record(object_.kind, object_.id, "deleted")

    def _bin(self, object_: DirectoryObject) -> None:
        gone = DeletedObject(
            object_,
            now(),
            groups=list(self.members.to(object_.id)),
            owned=list(self.owners.to(object_.id)),
            owners=list(self.owners.of(object_.id)),
            assignments=self.assignments.forget(object_.id),
        )
        for group in gone.groups:
            self.unlink(self.members, group, object_.id)
        for owned in gone.owned:
            if self.groups.get(owned) is not None:
                self.unlink(self.owners, owned, object_.id)
            else:
                self.owners.remove(owned, object_.id)
        for owner in gone.owners:
            self.owners.remove(object_.id, owner)
        self.set_of(object_.kind).remove(object_)
        object_.properties["deletedDateTime"] = stamp(gone.deleted_at)
        self.deleted[object_.id.lower()] = gone
        self.changes.record(object_.kind, object_.id, "deleted")

    def _name(self, relation: Relation) -> str:
        return "members" if relation is self.members else "owners"
