"""What the host keeps about a timer in blobs: when it ran, and who runs it.

Source: `ScheduleMonitor`, `StorageScheduleMonitor` and the listener singleton of the WebJobs SDK.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob.aio import BlobClient, BlobLeaseClient, BlobServiceClient

from local.host.schedule import Schedule

CONTAINER = "azure-webjobs-hosts"
LEASE_S = 15
"""Shortest lease the service gives: how long a killed process keeps others from its timers."""

NEVER = datetime(1, 1, 1, tzinfo=UTC)
"""What the host writes for a time that has not been."""


def host_id(app: Path, environment: Mapping[str, str]) -> str:
    """Tells apps apart that share a storage account: the setting of that name, or machine and folder."""
    if given := environment.get("AzureFunctionsWebHost__hostid"):
        return given.lower()
    machine = re.sub(r"[^a-z0-9-]", "", socket.gethostname().lower())[:20].strip("-") or "local"
    return f"{machine}-{hashlib.sha256(str(app).encode()).hexdigest()[:10]}"


@dataclass(frozen=True, slots=True)
class TimerStatus:
    """The content of a timer's status blob."""

    last: datetime
    next: datetime
    last_updated: datetime

    def to_json(self) -> str:
        """As the real host writes it; also what the handler gets."""
        return json.dumps(
            {
                "Last": self.last.isoformat(),
                "Next": self.next.isoformat(),
                "LastUpdated": self.last_updated.isoformat(),
            }
        )

    @classmethod
    def from_json(cls, text: str) -> TimerStatus:
        """The reverse of `to_json`. Raises ValueError: it is something else."""
        try:
            fields = json.loads(text)
            times = [datetime.fromisoformat(fields[name]) for name in ("Last", "Next", "LastUpdated")]
        except (KeyError, TypeError) as error:
            raise ValueError("not a timer's status") from error
        return cls(*(time if time.tzinfo else time.replace(tzinfo=UTC) for time in times))

    @classmethod
    def first(cls, schedule: Schedule, now: datetime) -> TimerStatus:
        """Of a timer that was never seen."""
        return cls(NEVER, schedule.after(now), now)

    def after_run(self, schedule: Schedule, ran: datetime) -> TimerStatus:
        """When it ran a moment early, it ran for the time it was meant for."""
        return TimerStatus(ran, schedule.after(ran), ran)

    def checked(self, schedule: Schedule, now: datetime) -> TimerStatus:
        """The same, or one for the schedule of now where the app's schedule was changed since.

        A changed schedule is not past due at once: its next time is counted from now.
        """
        seen = self.last if self.last > NEVER else self.last_updated
        expected = schedule.after(seen if seen > NEVER else now)
        if expected == self.next:
            return self
        if now > expected:
            expected, seen = schedule.after(now), now
        return TimerStatus(NEVER, expected, seen)


class TimerBlobs:
    """The blobs of one timer."""

    def __init__(self, service: BlobServiceClient, host: str, function: str) -> None:
        self._service = service
        container = service.get_container_client(CONTAINER)
        self._status = container.get_blob_client(f"timers/{host}/Host.Functions.{function}/status")
        self._lock = container.get_blob_client(f"locks/{host}/Host.Functions.{function}.Listener")

    async def read_status(self) -> TimerStatus | None:
        """None where there is none, or none that can be read."""
        try:
            content = await (await self._status.download_blob()).readall()
            return TimerStatus.from_json(content.decode())
        except (ResourceNotFoundError, ValueError):
            return None

    async def write_status(self, status: TimerStatus) -> None:
        """Only the process that holds the lease writes."""
        await self._status.upload_blob(status.to_json().encode(), overwrite=True)

    async def acquire(self) -> BlobLeaseClient | None:
        """A lease on this timer; None while another process has it."""
        lease = BlobLeaseClient(self._lock)
        try:
            await lease.acquire(lease_duration=LEASE_S)
        except ResourceNotFoundError:
            await self._make(self._lock)
            return None
        except HttpResponseError as error:
            if error.status_code == 409:
                return None
            raise
        return lease

    async def _make(self, blob: BlobClient) -> None:
        with suppress(ResourceExistsError):
            await self._service.create_container(CONTAINER)
        try:
            await blob.upload_blob(b"", overwrite=False)
        except ResourceExistsError:
            return
        except HttpResponseError as error:
            if error.status_code != 412:  # made and leased by another process meanwhile
                raise
