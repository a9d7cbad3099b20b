"""What entitlement management holds (graph contract "Entitlement management"): items by kind and id, as plain JSON so
that they can be kept in a file.

Keys that begin with ``_`` are links to other items (ids) and are never shown.
"""

import uuid
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from .clock import stamp

Json = dict[str, Any]


class Kind(StrEnum):
    """The published types of the items."""

    CATALOG = "accessPackageCatalog"
    RESOURCE = "accessPackageResource"
    RESOURCE_REQUEST = "accessPackageResourceRequest"
    ROLE = "accessPackageResourceRole"
    SCOPE = "accessPackageResourceScope"
    PACKAGE = "accessPackage"
    ROLE_SCOPE = "accessPackageResourceRoleScope"
    POLICY = "accessPackageAssignmentPolicy"
    REQUEST = "accessPackageAssignmentRequest"
    ASSIGNMENT = "accessPackageAssignment"
    STAGE = "approvalStage"


@dataclass(slots=True)
class Entitlements:
    """`items` is what a snapshot keeps. A tenant begins with its built-in catalog."""

    items: dict[str, dict[str, Json]] = field(default_factory=lambda: {kind: {} for kind in Kind})

    def __post_init__(self) -> None:
        if not self.items[Kind.CATALOG]:
            facts = {"catalogType": "serviceDefault", "state": "published", "isExternallyVisible": True}
            self.add(Kind.CATALOG, {"displayName": "General", "description": "Built-in catalog.", **facts})

    def all(self, kind: str, **links: str) -> list[Json]:
        """The items of a kind, oldest first, of those whose links are as given (``catalog=...``)."""
        wanted = {f"_{name}": value for name, value in links.items()}
        items = self.items[kind].values()
        return [item for item in items if all(item.get(name) == id_ for name, id_ in wanted.items())]

    def get(self, kind: str, id_: object) -> Json | None:
        return self.items[kind].get(str(id_).lower())

    def add(self, kind: str, item: Json) -> Json:
        """A new item; an id and the moment of its making are given unless it has them."""
        made = {"id": str(uuid.uuid4()), "createdDateTime": stamp(), **item}
        self.items[kind][made["id"]] = made
        return made

    def remove(self, kind: str, item: Json) -> None:
        del self.items[kind][item["id"]]
