"""Entitlement management: Microsoft's self-service with an API, as an alternative to the admin center's blade.

Nothing here is safe to repeat unless it says so; look before you make. Errors are those of `GraphAppDirectory`, and
Refused `licence-missing`. Source: graph contract "Entitlement management".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.core.errors import Refused
from shared.core.ids import GroupId, UserId
from shared.core.reasons import Reason
from shared.graph import errors
from shared.graph.queries import OnGraph, all_pages, literal, made, where
from shared.graph.response import Response

_BASE = "/identityGovernance/entitlementManagement"
_PERMISSION = "EntitlementManagement.ReadWrite.All (and Group.ReadWrite.All to add a group)"
_ADDED = "already"
"""Part of the answer for a resource that the catalog has: its code and text are UNVERIFIED
(switch entitlement.duplicateResource)."""
_DECIDE_WITHIN = "P14D"


@dataclass(frozen=True, slots=True)
class CatalogResource:
    """A group as a resource of a catalog. `role` is that of a member; ids are the catalog's own."""

    id: str
    role: str
    role_origin: str
    scope: str


class GraphEntitlements(OnGraph):
    async def find_catalog(self, name: str) -> str | None:
        return await self._first("/catalogs", f"displayName eq '{literal(name)}'")

    async def create_catalog(self, name: str, description: str) -> str:
        body = {"displayName": name, "description": description, "isExternallyVisible": True, "state": "published"}
        return await self._post("/catalogs", body)

    async def find_resource(self, catalog: str, group: GroupId) -> CatalogResource | None:
        """The group in the catalog; None until it was added, and for a while after."""
        of_group = where(f"originId eq '{group}'")
        resources = await self._all(f"/catalogs/{catalog}/resources?{of_group}&$expand=scopes")
        if not resources:
            return None
        resource = resources[0]
        of_resource = where(f"originSystem eq 'AadGroup' and resource/id eq '{resource['id']}'")
        roles = await self._all(f"/catalogs/{catalog}/resourceRoles?{of_resource}")
        role = next((r for r in roles if str(r.get("originId", "")).startswith("Member_")), None)
        scope = next(iter(resource.get("scopes") or ()), None)
        if role is None or scope is None:
            return None
        return CatalogResource(str(resource["id"]), str(role["id"]), str(role["originId"]), str(scope["id"]))

    async def add_resource(self, catalog: str, group: GroupId) -> None:
        """Safe to repeat."""
        body = {
            "requestType": "adminAdd",
            "resource": {"originId": group, "originSystem": "AadGroup"},
            "catalog": {"id": catalog},
        }
        response = await self._session.request("POST", f"{_BASE}/resourceRequests", body=body)
        if response.status == 400 and _ADDED in " ".join(response.error).lower():
            return
        self._check(response)

    async def find_package(self, catalog: str, name: str) -> str | None:
        return await self._first("/accessPackages", f"displayName eq '{literal(name)}' and catalog/id eq '{catalog}'")

    async def create_package(self, catalog: str, name: str, description: str) -> str:
        body = {"displayName": name, "description": description, "catalog": {"id": catalog}}
        return await self._post("/accessPackages", body)

    async def gives_membership(self, package: str, group: GroupId) -> bool:
        path = f"/accessPackages/{package}?$expand=resourceRoleScopes($expand=role,scope)"
        scopes = made(await self._ask("GET", path)).get("resourceRoleScopes") or ()
        return any((s.get("role") or {}).get("originId") == f"Member_{group}" for s in scopes)

    async def give_membership(self, package: str, group: GroupId, resource: CatalogResource) -> None:
        """Members of the package become members of the group."""
        body = {
            "role": {
                "id": resource.role,
                "displayName": "Member",
                "originSystem": "AadGroup",
                "originId": resource.role_origin,
                "resource": {"id": resource.id, "originId": group, "originSystem": "AadGroup"},
            },
            "scope": {"id": resource.scope, "originId": group, "originSystem": "AadGroup", "isRootScope": True},
        }
        await self._ask("POST", f"/accessPackages/{package}/resourceRoleScopes", body)

    async def find_policy(self, package: str, name: str) -> str | None:
        found = await self._policies(package)
        return next((str(p["id"]) for p in found if p.get("displayName") == name), None)

    async def create_policy(self, package: str, name: str, approvers: Sequence[UserId]) -> str:
        """Anyone outside may ask; one of `approvers` decides, nobody has to where there are none."""
        stage = {
            "durationBeforeAutomaticDenial": _DECIDE_WITHIN,
            "isApproverJustificationRequired": False,
            "isEscalationEnabled": False,
            "primaryApprovers": [{"@odata.type": "#microsoft.graph.singleUser", "userId": a} for a in approvers],
        }
        body = {
            "displayName": name,
            "description": name,
            "accessPackage": {"id": package},
            "allowedTargetScope": "allExternalUsers",
            "expiration": {"type": "noExpiration"},
            "requestorSettings": {"enableTargetsToSelfAddAccess": True},
            "requestApprovalSettings": {
                "isApprovalRequiredForAdd": bool(approvers),
                "stages": [stage] if approvers else [],
            },
        }
        return await self._post("/assignmentPolicies", body)

    async def delete_package(self, package: str) -> None:
        """With its policies. Safe to repeat."""
        for policy in await self._policies(package):
            await self._remove(f"/assignmentPolicies/{policy['id']}")
        response = await self._session.request("GET", f"{_BASE}/accessPackages/{package}?$expand=resourceRoleScopes")
        if response.status == 404:
            return
        self._check(response)
        for scope in made(response).get("resourceRoleScopes") or ():
            await self._remove(f"/accessPackages/{package}/resourceRoleScopes/{scope['id']}")
        await self._remove(f"/accessPackages/{package}")

    async def delete_catalog(self, catalog: str) -> bool:
        """Only where it is empty; tells whether it is gone. Safe to repeat."""
        if await self._first("/accessPackages", f"catalog/id eq '{catalog}'") is not None:
            return False
        await self._remove(f"/catalogs/{catalog}")
        return True

    async def _first(self, path: str, condition: str) -> str | None:
        found = await self._all(f"{path}?{where(condition)}")
        return str(found[0]["id"]) if found else None

    async def _policies(self, package: str) -> list[dict[str, Any]]:
        return await self._all(f"/assignmentPolicies?{where(f"accessPackage/id eq '{package}'")}")

    async def _all(self, path: str) -> list[dict[str, Any]]:
        return await all_pages(self._session, await self._ask("GET", path), _PERMISSION)

    async def _post(self, path: str, body: dict[str, Any]) -> str:
        return str(made(await self._ask("POST", path, body))["id"])

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Response:
        response = await self._session.request(method, f"{_BASE}{path}", body=body)
        self._check(response)
        return response

    async def _remove(self, path: str) -> None:
        response = await self._session.request("DELETE", f"{_BASE}{path}")
        if response.status != 404:
            self._check(response)

    @staticmethod
    def _check(response: Response) -> None:
        """As for other writes; a tenant without the licence has its own reason. Its text is UNVERIFIED
        (switch entitlement.licensed)."""
        message = response.error[1].lower()
        if response.status in (400, 403) and ("licen" in message or "premium" in message):
            raise Refused(Reason.LICENCE_MISSING, errors.words(response))
        if response.status == 403:
            # Its own code and words, other than those of the directory's refusals.
            raise Refused(Reason.PERMISSION_MISSING, errors.grant(_PERMISSION, response))
        errors.require_written(response, _PERMISSION)
