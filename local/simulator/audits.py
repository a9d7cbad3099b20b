"""The directory's audit records (graph contract "Policies"), written by the models and read by
``/auditLogs/directoryAudits``."""

import uuid
from dataclasses import dataclass
from typing import Any

from .clock import elapsed_ms, instant, monotonic
from .objects import DirectoryObject


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: an app, or a person through an app."""

    app_id: str | None = None
    name: str | None = None
    service_principal_id: str | None = None
    user_id: str | None = None
    user_name: str | None = None


class AuditLog:
    """Records, oldest first, with the moment each was written (they are listed only later)."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self._written: list[float] = []

    def write(
        self,
        activity: str,
        *,
        by: Actor,
        target: dict[str, Any],
        service: str = "Core Directory",
        category: str = "UserManagement",
        operation: str = "Add",
        details: dict[str, str] | None = None,
    ) -> None:
        record = {
            "id": f"Directory_{uuid.uuid4()}",
            "category": category,
            "correlationId": str(uuid.uuid4()),
            "result": "success",
            "resultReason": "",
            "activityDisplayName": activity,
            "activityDateTime": instant(),
            "loggedByService": service,
            "operationType": operation,
            "initiatedBy": _initiated(by),
            "targetResources": [target],
            "additionalDetails": [{"key": key, "value": value} for key, value in (details or {}).items()],
        }
        self.load(record)

    def load(self, record: dict[str, Any]) -> None:
        self.records.append(record)
        self._written.append(monotonic())

    def listed(self, delay_ms: float) -> list[dict[str, Any]]:
        """Newest first, without what is younger than the delay."""
        if not delay_ms:
            return self.records[::-1]
        pairs = zip(self.records, self._written, strict=True)
        return [record for record, written in pairs if elapsed_ms(written) >= delay_ms][::-1]


def user_target(user: DirectoryObject) -> dict[str, Any]:
    return _target(user, "User") | {"userPrincipalName": user.get("userPrincipalName")}


def group_target(group: DirectoryObject) -> dict[str, Any]:
    return _target(group, "Group") | {"groupType": "azureAD"}


def _target(object_: DirectoryObject, type_: str) -> dict[str, Any]:
    names = {"displayName": object_.get("displayName"), "userPrincipalName": None}
    return {"id": object_.id, **names, "type": type_, "groupType": None, "modifiedProperties": []}


def _initiated(by: Actor) -> dict[str, Any]:
    if by.user_id is not None:
        user = {"id": by.user_id, "displayName": by.name, "userPrincipalName": by.user_name, "ipAddress": None}
        return {"app": None, "user": user}
    principal = {"servicePrincipalId": by.service_principal_id, "servicePrincipalName": None}
    return {"app": {"appId": by.app_id, "displayName": by.name, **principal}, "user": None}
