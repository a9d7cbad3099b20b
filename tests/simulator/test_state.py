"""The directory in a SQLite file: what was there is there at the next start."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path

from local.simulator.__main__ import SAMPLE
from local.simulator.entitlements import Kind
from local.simulator.resources.invite_policy import redeem
from local.simulator.seed import StateFile, add, new_world, snapshot
from local.simulator.world import World

ROLE = "0000abcd-0000-4000-8000-000000000003"
GUEST = {
    "id": "0000abcd-0000-4000-8000-000000000001",
    "displayName": "Ada",
    "userPrincipalName": "ada_fabrikam.com#EXT#@contoso.onmicrosoft.com",
    "mail": "ada@fabrikam.com",
    "userType": "Guest",
    "creationType": "Invitation",
    "externalUserState": "PendingAcceptance",
}


def a_world_with_a_guest() -> World:
    world = new_world(json.loads(SAMPLE.read_text()))
    add(world, {"users": [GUEST], "settings": {"latency": {"allMs": 7}}})
    guest = world.invited.guest(str(GUEST["id"]), str(GUEST["mail"]))
    world.invited.ticket(guest, tenant_id=world.directory.tenant.id)
    group = next(iter(world.directory.groups))
    world.directory.link(world.directory.members, group.id, str(GUEST["id"]))
    holders = [{"id": "0000abcd-0000-4000-8000-000000000002", "displayName": "Berlin", "members": [GUEST["id"]]}]
    add(world, {"administrativeUnits": holders, "directoryRoles": [holders[0] | {"id": ROLE}]})
    catalog = world.entitlements.add(Kind.CATALOG, {"displayName": "Apps"})
    world.entitlements.add(Kind.PACKAGE, {"displayName": "Travel", "_catalog": catalog["id"]})
    return world


def test_nothing_is_found_where_nothing_was_saved(tmp_path: Path) -> None:
    assert StateFile(tmp_path / "directory.sqlite").load() is None


def test_a_world_comes_back_whole(tmp_path: Path) -> None:
    world = a_world_with_a_guest()
    StateFile(tmp_path / "directory.sqlite").save(world)

    loaded = StateFile(tmp_path / "directory.sqlite").load()

    assert loaded is not None
    assert snapshot(loaded) == snapshot(world)
    [package] = loaded.entitlements.all(Kind.PACKAGE)
    assert loaded.entitlements.get(Kind.CATALOG, package["_catalog"])
    assert loaded.directory.has_role(str(GUEST["id"]))
    [url] = world.invited.guests[str(GUEST["id"])].redeem_urls
    assert redeem(loaded, redeem_url=url).get("externalUserState") == "Accepted"
    assert loaded.settings.latency.all_ms == 7
    assert loaded.registry.find_person("olivia.owner@contoso.com") is not None


async def test_a_change_is_saved_soon_and_at_the_end(tmp_path: Path) -> None:
    state, world = StateFile(tmp_path / "directory.sqlite"), a_world_with_a_guest()
    keeping = asyncio.create_task(state.keep(lambda: world))
    for _ in range(1000):
        if state.load() is not None:
            break
        await asyncio.sleep(0.01)
    add(world, {"contacts": [{"mail": "late@fabrikam.com"}]})

    keeping.cancel()
    with suppress(asyncio.CancelledError):
        await keeping

    loaded = state.load()
    assert loaded is not None
    assert "late@fabrikam.com" in loaded.directory.contacts
