"""The apps that are set up: who may see them, and removing one, after a look at what that means."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from shared.core.caller import Caller
from shared.core.errors import Refused, Unavailable
from shared.core.features import Feature
from shared.core.ids import AppId, UserId
from shared.core.reasons import Reason
from shared.core.versions import Versioned, retry_on_conflict
from shared.graph.ports import GuestReader
from shared.membership.access import Access, read_app, require
from shared.membership.model.access import Action, may, tenant_roles
from shared.membership.model.apps import AppRecord, AppState, Change, Kind
from shared.messages.commands import RemoveApp
from shared.messages.outcomes import Outcome, later_when_free
from shared.setup.run import Tools

log = logging.getLogger("guestlist")

_ORDER = (
    Kind.ACCESS_POLICY,
    Kind.ACCESS_PACKAGE,
    Kind.CATALOG_RESOURCE,
    Kind.CATALOG,
    Kind.ASSIGNMENT,
    Kind.OWNER,
    Kind.GROUP,
    Kind.SINGLE_SIGN_ON,
    Kind.CERTIFICATE,
    Kind.APPLICATION,
)
"""What goes first. What hangs on something that goes as well needs no call of its own, and none does harm."""
_STAYS = {
    Kind.SINGLE_SIGN_ON: "the settings of single sign-on: what they were before is not known",
    Kind.CERTIFICATE: "the signing certificate: the app's vendor may be using it",
    Kind.CATALOG_RESOURCE: "the group in the catalog, which goes with the group",
    Kind.APPLICATION: "the app, which others may use by now: delete it under its Properties where nobody does",
}


@dataclass(frozen=True, slots=True)
class Removal:
    """What removing an app would remove and leave. `tag` stands for exactly this."""

    removes: tuple[Change, ...]
    keeps: tuple[str, ...]
    tag: str


@dataclass(frozen=True, slots=True)
class Apps:
    tools: Tools
    access: Access
    guest_reader: GuestReader

    async def list(self, caller: Caller) -> list[AppRecord]:
        """Those that the caller may read: for owners, the apps of the groups they own now."""
        found = await self.tools.store.list_apps()
        if may(tenant_roles(caller.roles), Action.READ_APP):
            return found
        owned = set() if caller.is_app else {g.id for g in await self.guest_reader.owned_groups(caller.object_id)}
        return [a for a in found if a.group in owned]

    async def one(self, app_id: AppId, caller: Caller) -> AppRecord:
        """Raises Refused `app-missing`, both where there is none and where the caller may not see it."""
        return (await self.access.require_app(app_id, caller, Action.READ_APP)).value

    @retry_on_conflict("the app's record")
    async def name_inviters(self, app_id: AppId, inviters: Sequence[UserId], caller: Caller) -> AppRecord:
        """Replace the apps that may invite into the group. Safe to repeat. Raises Refused `not-admin`, `app-missing`,
        `app-being-removed`."""
        require(caller, Action.RUN_SETUP)
        named = tuple(dict.fromkeys(inviters))
        stored = await read_app(self.tools.store, app_id)
        if stored.value.state is AppState.REMOVING:
            raise Refused(Reason.APP_BEING_REMOVED)
        changed = replace(stored.value, inviters=named, updated_at=self.tools.clock.now())
        await self.tools.store.save_app(Versioned(changed, stored.version))
        log.info("app %s: %d apps may invite, named by %s", app_id, len(named), caller.object_id)
        return changed

    async def check_removal(self, app_id: AppId, caller: Caller) -> Removal:
        """What would be removed: only what Guestlist made. Changes nothing. Raises Refused `not-admin`,
        `app-missing`."""
        require(caller, Action.RUN_SETUP)
        return await self._removal(await self.one(app_id, caller))

    @retry_on_conflict("the app's record")
    async def remove(self, app_id: AppId, caller: Caller, tag: str | None) -> None:
        """Begin to remove the app. From here on nobody is invited through it. Safe to repeat. Raises Refused
        `not-admin`, `feature-off`, `app-missing`, `dry-run-needed`, `plan-changed`."""
        require(caller, Action.RUN_SETUP)
        self.tools.features.need(Feature.SETUP)
        if tag is None:
            raise Refused(Reason.DRY_RUN_NEEDED)
        stored = await read_app(self.tools.store, app_id)
        if stored.value.state is not AppState.REMOVING:
            if (await self._removal(stored.value)).tag != tag:
                raise Refused(Reason.PLAN_CHANGED)
            removing = replace(stored.value, state=AppState.REMOVING, updated_at=self.tools.clock.now())
            await self.tools.store.save_app(Versioned(removing, stored.version))
        await self.tools.outbox.send(RemoveApp(app_id))

    async def remove_app(self, command: RemoveApp) -> Outcome:
        """Remove what Guestlist made, one thing after the other. Safe to repeat at any time."""
        tools = self.tools
        stored = await tools.store.read_app(command.app)
        if stored is None or stored.value.state is not AppState.REMOVING:
            return Outcome(note="nothing to remove")
        if not tools.features.has(Feature.SETUP):
            # The record stays, and the sweeper asks again: it goes on when the feature is on again.
            log.warning("app %s is not removed further: 'setup' is switched off", command.app)
            return Outcome(note="switched off")
        try:
            for change in _sorted(stored.value):
                await self._delete(stored.value, change)
        except Unavailable as e:
            return later_when_free(command, e, tools.clock)
        await tools.store.delete_app(command.app)
        log.info("app %s removed, with %d things that were made for it", command.app, len(stored.value.made))
        return Outcome()

    async def _delete(self, app: AppRecord, change: Change) -> None:
        directory, entitlements = self.tools.directory, self.tools.entitlements
        match change.kind:
            case Kind.ASSIGNMENT:
                await directory.unassign(app.service_principal, change.id)
            case Kind.OWNER if not _made(app, Kind.GROUP):
                await directory.remove_owner(app.group, UserId(change.id))
            case Kind.GROUP:
                await directory.delete_group(app.group)
            case Kind.ACCESS_PACKAGE:
                await entitlements.delete_package(change.id)
            case Kind.CATALOG:
                await entitlements.delete_catalog(change.id)

    async def _removal(self, app: AppRecord) -> Removal:
        removes = tuple(c for c in _sorted(app) if c.kind not in _STAYS)
        keeps = [_STAYS[c.kind] for c in app.made if c.kind in _STAYS]
        if not _made(app, Kind.APPLICATION):
            keeps.append(f"the app '{app.name}', which was there before")
        if _made(app, Kind.GROUP):
            members = await self.tools.directory.count_members(app.group)
            keeps.append(f"the accounts of the group's {members} members: only the group goes")
        else:
            keeps.append(f"the group '{app.group_name}' with its members, which was there before")
        content = "\n".join([f"{c.kind}/{c.id}" for c in removes] + keeps)
        return Removal(removes, tuple(keeps), sha256(content.encode()).hexdigest()[:32])


def _sorted(app: AppRecord) -> list[Change]:
    return sorted(app.made, key=lambda c: _ORDER.index(c.kind))


def _made(app: AppRecord, kind: Kind) -> bool:
    return any(c.kind is kind for c in app.made)
