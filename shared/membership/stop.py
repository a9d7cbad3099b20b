"""Stop everything that sends or changes in the tenant, and start it again. Nothing is lost: what comes up meanwhile
is parked, and goes on where it stood."""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.core.caller import Caller
from shared.core.clock import Clock
from shared.core.errors import Refused, StorageBusy
from shared.core.reasons import Reason
from shared.core.records import ChangeLogEntry, Stop
from shared.core.ttl_cache import TtlCache
from shared.core.versions import Versioned, retry_on_conflict
from shared.membership.access import require
from shared.membership.model.access import Action
from shared.membership.ports import StopState
from shared.messages.commands import Command
from shared.messages.ports import Parking
from shared.storage.ports import ChangeLog

REMEMBERED = timedelta(seconds=3)
"""How long an instance may go by what it read: so long after a stop it may still begin something."""
_AGAIN = timedelta(minutes=1)


@dataclass(slots=True)
class StopSwitch:
    state: StopState
    parking: Parking
    change_log: ChangeLog
    clock: Clock
    _known: TtlCache[Stop] = field(init=False)

    def __post_init__(self) -> None:
        self._known = TtlCache(self._read, REMEMBERED)

    async def _read(self) -> Stop:
        return (await self.state.read_stop()).value

    async def show(self) -> Stop:
        """As it was within the last `REMEMBERED`. Raises StorageBusy."""
        return await self._known.at(self.clock.now())

    async def parks(self, command: Command) -> bool:
        """Whether a command was parked, as it has to wait for the start. Raises StorageBusy."""
        if not (await self.show()).is_on:
            return False
        await self.parking.park(command)
        return True

    async def require_running(self) -> None:
        """For what a request changes in the directory at once: there is nothing to park. Raises Refused `stopped`."""
        if (stop := await self.show()).is_on:
            raise Refused(Reason.STOPPED, stop.reason, retry_after=_AGAIN)

    async def stop(self, caller: Caller, reason: str | None) -> Stop:
        """Park everything from now on; instances follow within `REMEMBERED`. Where it is stopped already, it stays as
        it was stopped. Safe to repeat. Raises Refused `not-admin`."""
        return await self._turn(caller, is_on=True, reason=reason)

    async def start(self, caller: Caller) -> Stop:
        """Go on. Safe to repeat. Raises Refused `not-admin`."""
        found = await self._turn(caller, is_on=False, reason=None)
        # What is left, the sweeper sends.
        with suppress(StorageBusy):
            await self.parking.send_parked()
        return found

    async def sweep(self) -> int:
        """Send what was parked, where nothing is stopped any more; gives how many messages. Safe to repeat."""
        return 0 if (await self.state.read_stop()).value.is_on else await self.parking.send_parked()

    @retry_on_conflict("the stop")
    async def _turn(self, caller: Caller, *, is_on: bool, reason: str | None) -> Stop:
        require(caller, Action.STOP)
        there, now = await self.state.read_stop(), self.clock.now()
        if there.value.is_on is is_on:
            found = there.value
        else:
            found = Stop(is_on, now, caller.object_id, caller.name, reason)
            await self.state.write_stop(Versioned(found, there.version))
        self._known.put(found, now)
        if found.at is not None:
            # Again with each repeat: the request before it may have died in between.
            await self.change_log.add([_entry(found, found.at)])
        return found


def _entry(stop: Stop, at: datetime) -> ChangeLogEntry:
    running, stopped = "everything runs", "everything that sends or changes is parked"
    because = f": {stop.reason}" if stop.reason else ""
    return ChangeLogEntry(
        key=f"{round(at.timestamp() * 1000)}-{'stop' if stop.is_on else 'start'}",
        at=at,
        who=f"{stop.by_name} ({stop.by})",
        what="stop" if stop.is_on else "start",
        subject="",
        name="Guestlist",
        group=None,
        app=None,
        before=running if stop.is_on else stopped,
        after=f"{stopped}{because}" if stop.is_on else running,
    )
