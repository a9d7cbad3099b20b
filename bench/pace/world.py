"""A world for the pace of imports: discrete events instead of time.

The directory's token bucket is the one of the Graph simulator (local/simulator/throttling.py): what is asked while it
is empty counts too. Instances believe the shared row for a moment, write to it with delays and collide; messages are
seen late, and every call takes a while. The pace itself is the app's own code.
"""

import heapq
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from math import ceil

from shared.pace import import_pace as pacing
from shared.pace.import_pace import ImportPace, Limits, Refusal
from shared.pace.pacing import Pace

START = datetime(2026, 1, 1, tzinfo=UTC)
CHUNK = 20
_PIECE = 1000
_BELIEVED_S = 1.0
"""For how long an instance believes what it has read of the shared row."""
WRITE_S, READ_S = 0.008, 0.004


@dataclass(frozen=True, slots=True)
class Weather:
    """What the directory lets through. `quota(t)`: writes a second that flow into its bucket of `capacity`;
    `others(t)`: writes a second that another app takes from it; `broken(t)`: everything is refused; `random_share`:
    of all calls refused at random."""

    quota: Callable[[float], float] = lambda _: 20.0
    capacity: float = 3000.0
    others: Callable[[float], float] = lambda _: 0.0
    broken: Callable[[float], bool] = lambda _: False
    random_share: float = 0.0
    latency_s: float = 0.15


@dataclass(frozen=True, slots=True)
class Setting:
    """An import, or several, on some instances. `people_every_s`: how often one guest is invited by hand."""

    guests: Sequence[int] = (10_000,)
    instances: int = 4
    at_once: int = 4
    limits: Limits = field(
        default_factory=lambda: Limits(Pace(1142, timedelta(minutes=1), 2750), Pace(8000, timedelta(minutes=1), 1333))
    )
    horizon_s: float = 30.0
    seen_late_s: float = 0.5
    people_every_s: float | None = None
    seed: int = 1
    most_s: float = 7200.0


@dataclass(slots=True)
class Bucket:
    """Fills evenly; what is asked while it is empty counts, down to a debt of 0.8 of the capacity."""

    weather: Weather
    level: float
    at: float = 0.0

    def flow(self, now: float) -> None:
        while self.at < now:  # quotas change: small steps
            step = min(0.25, now - self.at)
            rate = self.weather.quota(self.at) - self.weather.others(self.at)
            self.level = min(self.weather.capacity, self.level + rate * step)
            self.at += step

    def ask(self, now: float) -> float | None:
        """None where a write passes, else the seconds of Retry-After."""
        self.flow(now)
        passes = self.level >= 1
        self.level = max(self.level - 1, -0.8 * self.weather.capacity)
        if passes:
            return None
        rate = max(0.1, self.weather.quota(now) - self.weather.others(now))
        return float(max(1, ceil((1 - self.level) / rate)))


@dataclass(slots=True)
class Chunk:
    owner: int
    position: float
    left: int
    invited: int = 0
    attempt: int = 0
    joins: int = 0


@dataclass(slots=True)
class Result:
    """What happened. `calls`, `refused`: times of calls and of those answered 429; `done`: a time for each member;
    `people`: seconds that each guest by hand took; `reads`, `writes`, `conflicts`: of the shared row."""

    done: list[float] = field(default_factory=list)
    done_of: list[int] = field(default_factory=list)
    calls: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    people: list[float] = field(default_factory=list)
    rate: list[tuple[float, float]] = field(default_factory=list)
    reads: int = 0
    writes: int = 0
    conflicts: int = 0
    ended: float = 0.0

    def per_second(self, since: float, until: float) -> float:
        return sum(1 for t in self.done if since <= t < until) / (until - since)

    def share_refused(self, since: float = 0.0, until: float = float("inf")) -> float:
        calls = sum(1 for t in self.calls if since <= t < until)
        return sum(1 for t in self.refused if since <= t < until) / max(1, calls)


class World:
    def __init__(self, setting: Setting, weather: Weather) -> None:
        self.setting, self.weather = setting, weather
        self.chance = random.Random(setting.seed)  # noqa: S311 - a world, not a secret
        self.bucket = Bucket(weather, weather.capacity)
        self.result = Result()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = count()
        self.now = 0.0
        self.row: ImportPace | None = None
        self._row_busy_until = 0.0
        self._seen: list[tuple[float, ImportPace | None]] = [(-1.0, None)] * setting.instances
        self._free = [setting.at_once] * setting.instances
        self._waiting: list[tuple[float, int, Chunk]] = []
        self._left = list(setting.guests)
        self._open = sum(setting.guests)
        self._people_taken = 0.0

    def run(self) -> Result:
        for n in range(len(self._left)):
            self.at(n * 0.1, partial(self._split, n))
        if self.setting.people_every_s is not None:
            self.at(self.setting.people_every_s, self._person)
        while self._events and self._open and self.now < self.setting.most_s:
            self.now, _, event = heapq.heappop(self._events)
            event()
        self.result.ended = self.now
        return self.result

    def at(self, seconds: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (max(self.now, seconds), next(self._count), event))

    def time(self, seconds: float) -> datetime:
        return START + timedelta(seconds=seconds)

    def seconds(self, time: datetime) -> float:
        return (time - START).total_seconds()

    # The shared row: a change is a read and a write; who comes meanwhile tries again.

    def change(
        self, instance: int, how: Callable[[ImportPace], ImportPace], then: Callable[[ImportPace], None]
    ) -> None:
        self.result.reads += 1
        self.result.writes += 1
        if self.now < self._row_busy_until:
            self.result.conflicts += 1
            self.at(self._row_busy_until + self.chance.uniform(0, 0.05), lambda: self.change(instance, how, then))
            return
        self._row_busy_until = self.now + READ_S + WRITE_S

        def write() -> None:
            state = pacing.current(self.row, self.setting.limits, self.time(self.now), self._people_taken)
            self.row = how(state)
            if self.row == state:
                self.result.writes -= 1
            self._seen[instance] = (self.now, self.row)
            self.result.rate.append((self.now, self.row.rate(self.setting.limits, self.time(self.now))))
            then(self.row)

        self.at(self.now + READ_S + WRITE_S, write)

    def look(self, instance: int) -> ImportPace:
        at, state = self._seen[instance]
        if self.now - at > _BELIEVED_S:
            self.result.reads += 1
            state = self.row
            self._seen[instance] = (self.now, state)
        return pacing.current(state, self.setting.limits, self.time(self.now))

    # The file.

    def _split(self, who: int) -> None:
        setting = self.setting
        if not self._left[who]:
            return
        state = pacing.current(self.row, setting.limits, self.time(self.now))
        self.result.reads += 1
        horizon = timedelta(seconds=setting.horizon_s)
        room, until = pacing.room(state, setting.limits, str(who), horizon)
        if not room:
            self.at(max(self.now + 1, self.seconds(until)), lambda: self._split(who))
            return
        room = min(self._left[who], _PIECE, room // CHUNK * CHUNK)
        sizes = [min(CHUNK, room - n) for n in range(0, room, CHUNK)]
        self._left[who] -= room

        positions: list[float] = []

        def how(state: ImportPace) -> ImportPace:
            taken, after = pacing.take(state, sizes, str(who))
            positions.extend(taken)
            return after

        def then(state: ImportPace) -> None:
            for size, position in zip(sizes, positions, strict=True):
                due = pacing.due(state, setting.limits, position, self.time(self.now))
                self._sleep(Chunk(who, position, size), self.seconds(due))
            self.at(self.now + 0.3, lambda: self._split(who))

        self.change(0, how, then)

    # The queue.

    def _sleep(self, chunk: Chunk, until: float) -> None:
        late = self.chance.uniform(0, self.setting.seen_late_s)
        self.at(max(self.now, until) + late, lambda: self._arrive(chunk))

    def _arrive(self, chunk: Chunk) -> None:
        heapq.heappush(self._waiting, (self.now, next(self._count), chunk))
        self._dispatch()

    def _dispatch(self) -> None:
        while self._waiting and any(self._free):
            _, _, chunk = heapq.heappop(self._waiting)
            free = [n for n, slots in enumerate(self._free) if slots]
            instance = self.chance.choice(free)
            self._free[instance] -= 1
            self._begin(instance, chunk)

    def _end(self, instance: int) -> None:
        self._free[instance] += 1
        self._dispatch()

    # One delivery of a chunk.

    def _begin(self, instance: int, chunk: Chunk) -> None:
        state = self.look(instance)
        due = self.seconds(pacing.due(state, self.setting.limits, chunk.position, self.time(self.now)))
        if due > self.now + 0.05:
            self._sleep(chunk, due)
            self._end(instance)
            return
        self.at(self.now + self._latency(), lambda: self._look_up(instance, chunk, self.now))

    def _latency(self) -> float:
        return self.weather.latency_s * self.chance.uniform(0.8, 1.6) + 0.02

    def _look_up(self, instance: int, chunk: Chunk, asked: float) -> None:
        after = [self._call(write=False) for _ in range(chunk.left)]
        refused = [a for a in after if a is not None]
        guests = chunk.left - len(refused)
        if not guests:
            self._refused(instance, chunk, 0, refused, asked, scattered=False)
            return
        scattered = _scattered(after)
        self.at(self.now + self._latency(), lambda: self._invite(instance, chunk, guests, refused, asked, scattered))

    def _invite(
        self,
        instance: int,
        chunk: Chunk,
        guests: int,
        not_seen: Sequence[float],
        asked: float,
        seen_scattered: bool,
    ) -> None:
        after = [self._call(write=True) for _ in range(guests)]
        refused = [a for a in after if a is not None]
        let_through = guests - len(refused)
        chunk.left -= let_through
        chunk.invited += let_through
        if waits := [*refused, *not_seen]:
            scattered = seen_scattered or _scattered(after)
            self._refused(instance, chunk, let_through, waits, asked, scattered=scattered)
        if chunk.invited:
            self.at(self.now + self._latency(), lambda: self._join(instance, chunk, ended=bool(waits)))
        elif not waits:
            self._end(instance)

    def _join(self, instance: int, chunk: Chunk, *, ended: bool) -> None:
        after = self._call(write=True)
        if after is not None:
            wait = after * self.chance.uniform(1, 1.25) * 2 ** min(chunk.joins, 3)
            chunk.joins += 1
            self.at(self.now + wait, lambda: self._join(-1, chunk, ended=True))
        else:
            self.result.done += [self.now] * chunk.invited
            self.result.done_of += [chunk.owner] * chunk.invited
            self._open -= chunk.invited
            chunk.invited = chunk.joins = 0
        if not ended:
            self._end(instance)

    def _call(self, *, write: bool) -> float | None:
        self.result.calls.append(self.now)
        weather = self.weather
        after: float | None = None
        if weather.broken(self.now):
            after = float(self.chance.randint(1, 5))
        elif weather.random_share and self.chance.random() < weather.random_share:
            after = float(self.chance.randint(1, 3))
        elif write:
            after = self.bucket.ask(self.now)
        if after is not None:
            self.result.refused.append(self.now)
        return after

    def _refused(
        self,
        instance: int,
        chunk: Chunk,
        let_through: int,
        waits: Sequence[float],
        asked: float,
        *,
        scattered: bool,
    ) -> None:
        chunk.attempt += 1
        refusal = Refusal(
            position=chunk.position,
            units=len(waits),
            let_through=let_through,
            scattered=scattered,
            asked_at=self.time(asked),
            retry_after=timedelta(seconds=max(waits)),
        )
        not_before = self.now + max(waits) * self.chance.uniform(1, 1.25)

        def how(state: ImportPace) -> ImportPace:
            chunk.position, after = pacing.refused(state, self.setting.limits, refusal, self.time(self.now))
            return after

        def then(state: ImportPace) -> None:
            due = self.seconds(pacing.due(state, self.setting.limits, chunk.position, self.time(self.now)))
            if chunk.left:
                self._sleep(chunk, max(due, not_before))
            self._end(instance)

        self.change(instance, how, then)

    # One guest by hand.

    def _person(self) -> None:
        asked = self.now
        self._people_taken += 2 / 1.05

        def ask(left: int) -> None:
            after = self.bucket.ask(self.now)
            self.result.calls.append(self.now)
            if after is not None:
                self.result.refused.append(self.now)
                self.at(self.now + after * 1.1, lambda: ask(left))
            elif left > 1:
                self.at(self.now + self._latency() + 0.3, lambda: ask(left - 1))
            else:
                self.result.people.append(self.now - asked)

        self.at(self.now + self._latency() + 0.3, lambda: ask(2))
        self.at(self.now + (self.setting.people_every_s or 1), self._person)


def _scattered(after: Sequence[float | None]) -> bool:
    """Some were let through behind one who was not."""
    refused = [n for n, seconds in enumerate(after) if seconds is not None]
    return bool(refused) and None in after[refused[0] :]
