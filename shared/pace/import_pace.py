"""The pace of imports: a line with numbers, and one shared state that says which number may go when (ADR 19).

Every guest of an import has a position in one line of the tenant. `served` is the position that may go now; it moves
with the rate, stops while the directory wants to be left alone, and steps back by what has to be asked again. Whoever
holds a position asks the state as it is at that moment, so that a refusal moves everybody at once and nobody pays
twice.

The rate follows what the directory lets through. Its limits are token buckets (Microsoft Graph throttling guidance,
"Identity and access service limits"): between two moments at which the bucket was empty, exactly what flows into it
was let through, so two refusals measure the rate. Until then what Microsoft publishes is assumed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import sqrt

from shared.pace.pacing import Pace

WRITES_IN_A_FILE, WRITES_ALONE = 1.05, 2.0
"""Writes of a guest: an invitation, and a change of the group, which twenty of a file share."""
PUBLISHED_PER_S = 3000 / 150 / WRITES_IN_A_FILE
"""Guests per second of the writes that one app has in one tenant: 3,000 in 150 s, an invitation a guest and a change
of the group for twenty. Source: Microsoft Graph, "Throttling limits: identity and access"."""
_BELOW = 0.97
"""Share of a measured rate to go on with: what is left fills the bucket again."""
_STAY_S, _GROW_S, _GROWTH = 60.0, 60.0, 0.9
"""After a refusal the rate stays for so long, and then grows, slowly at first: by `_GROWTH` of what was measured in
`_GROW_S` (the curve of TCP CUBIC around a known limit, RFC 9438)."""
_CUT = 0.9
_BATCH, _UNPUNCTUAL_S = 20, 2.0
_EVIDENCE = 5
"""Guests of one chunk, fewer than which tell nothing of an empty bucket."""
_LEAST_PER_S = 0.5
_SHORT_MEASURE_S = 20.0
"""Between refusals closer than this the rate is not measured: the size of a batch blurs it."""
_A_WHILE = timedelta(seconds=10)
_NO_RETRY_AFTER = timedelta(seconds=5)
_LONGEST_WAIT_S = 16.0
_MAX_SHARES = 100


@dataclass(frozen=True, slots=True)
class Limits:
    """What imports may use at most, in guests: of the directory's writes, and of its reads."""

    writes: Pace
    reads: Pace


@dataclass(frozen=True, slots=True)
class ImportPace:
    """What all instances know of the pace of imports. Positions and units are guests, rates guests per second.

    `served`: the position that may go at `at`, by the writes it costs, and `read` by the reads; no time passes for
    them before `at`, which may lie ahead.
    `line`: the last position that was handed out.
    `found`: the rate that the directory was found to take, at `cut_at`; None where it never refused.
    `empty_at`, `empty_position`: when its bucket was known to be empty, and which position was refused then; None
    after a rest, which fills the bucket.
    `refusals`: how many came one after the other with nothing let through between them.
    `people`: the units that people's lanes had taken when this was last written.
    `ends`: the last position of each import that has guests in the line.
    """

    at: datetime
    served: float = 0.0
    read: float = 0.0
    line: float = 0.0
    found: float | None = None
    cut_at: datetime | None = None
    empty_at: datetime | None = None
    empty_position: float = 0.0
    refusals: int = 0
    people: float = 0.0
    ends: Mapping[str, float] = field(default_factory=dict)

    def rate(self, limits: Limits, at: datetime) -> float:
        """Guests per second at a time."""
        return _rate(self.found, _since(self.cut_at, at), limits.writes.per_second)

    def held_until(self, now: datetime) -> datetime | None:
        """Until when the directory wants nobody to ask; None where it does not mind."""
        return self.at if self.at > now else None


@dataclass(frozen=True, slots=True)
class Refusal:
    """`units` guests of the chunk at `position` were answered 429 (or the like), and `let_through` were not; they
    were asked for at `asked_at`. `scattered`: they stood between others who were let through. So no bucket was empty,
    as that refuses all who come later."""

    position: float
    units: int
    let_through: int
    scattered: bool
    asked_at: datetime
    retry_after: timedelta | None

    @property
    def begin(self) -> float:
        return self.position - self.units - self.let_through


def current(known: ImportPace | None, limits: Limits, now: datetime, people: float | None = None) -> ImportPace:
    """The state as it is now. `people`: what people's lanes have taken, ever; they go first, so that is missing for
    imports."""
    if known is None:
        return ImportPace(now, float(limits.writes.burst), float(limits.reads.burst), people=people or 0.0)
    if people is not None:
        known = replace(known, served=known.served - max(0.0, people - known.people), people=people)
    if now <= known.at:
        return known
    seconds = (now - known.at).total_seconds()
    start = _since(known.cut_at, known.at)
    served = known.served + _passed(known.found, start, start + seconds, limits.writes.per_second)
    rested = served > known.line
    return replace(
        known,
        at=now,
        served=min(served, known.line + limits.writes.burst),
        read=min(known.read + limits.reads.per_second * seconds, known.line + limits.reads.burst),
        empty_at=None if rested else known.empty_at,
        ends={who: end for who, end in known.ends.items() if end > served},
    )


def due(state: ImportPace, limits: Limits, position: float, now: datetime) -> datetime:
    """When a position may go; `now` or earlier where it may at once."""
    state = current(state, limits, now)
    seconds = max(
        0.0,
        (position - state.served) / state.rate(limits, state.at),
        (position - state.read) / limits.reads.per_second,
    )
    return state.at + timedelta(seconds=seconds)


def room(state: ImportPace, limits: Limits, who: str, horizon: timedelta) -> tuple[int, datetime]:
    """For how many guests an import may take positions now, and when it may ask again where it may for none: all
    imports in the line have their share of what goes within `horizon`. `state` is the current one."""
    ahead = state.rate(limits, state.at) * horizon.total_seconds()
    end = state.ends.get(who, 0.0)
    if end > state.served + ahead / 2:
        return 0, due(state, limits, end, state.at) - horizon / 2
    others = sum(1 for other in state.ends if other != who)
    rested = max(0.0, min(state.served, state.read) - state.line)
    return max(_BATCH, round((rested + ahead) / (1 + others))), state.at


def take(state: ImportPace, units: Sequence[int], who: str) -> tuple[list[float], ImportPace]:
    """Positions at the end of the line, one for the last guest of each chunk. `state` is the current one."""
    line = state.line
    positions = []
    for count in units:
        line += count
        positions.append(line)
    if not units:
        return [], state
    ends = dict(state.ends)
    if who in ends or len(ends) < _MAX_SHARES:
        ends[who] = line
    return positions, replace(state, line=line, ends=ends)


def refused(state: ImportPace, limits: Limits, refusal: Refusal, now: datetime) -> tuple[float, ImportPace]:
    """The position that the chunk has from now on, and the state: nobody asks before Retry-After, who was refused
    goes first, and the rate becomes what was measured. `state` is the current one."""
    until = max(state.at, now + (refusal.retry_after or _NO_RETRY_AFTER))
    if refusal.scattered or refusal.units < _EVIDENCE:
        return refusal.position, replace(state, at=until)
    if state.cut_at is not None and refusal.asked_at <= state.cut_at:
        # Several batches met the same empty bucket.
        return _again(replace(state, at=until, cut_at=until), refusal)
    if state.empty_at is not None and refusal.begin - state.empty_position <= _BATCH:
        # Nothing was let through since: a fault of the directory, from which no rate can be seen.
        refusals = 0 if refusal.let_through else state.refusals + 1
        until = max(until, now + timedelta(seconds=min(_LONGEST_WAIT_S, 2.0**refusals)))
        served = min(state.served, refusal.position) - _BATCH
        return _again(replace(state, at=until, served=served, cut_at=until, empty_at=now, refusals=refusals), refusal)
    found = _measured(state, limits, refusal, now)
    # What the burst had left is an illusion: the bucket is empty. It fills a little before it is asked again, as
    # batches never come quite on time.
    served = min(state.served, state.line, refusal.begin) - _UNPUNCTUAL_S * found
    state = replace(state, at=until, served=served, found=found, cut_at=until, empty_at=now, refusals=0)
    return _again(replace(state, empty_position=refusal.begin), refusal)


def _again(state: ImportPace, refusal: Refusal) -> tuple[float, ImportPace]:
    """Those who were refused go before everybody else, each in its turn: all others wait for as long as they take."""
    units = refusal.units
    return state.served, replace(state, served=state.served - units, read=state.read - units)


def _measured(state: ImportPace, limits: Limits, refusal: Refusal, now: datetime) -> float:
    """The rate that the directory takes, in guests per second."""
    rate = state.rate(limits, now)
    if state.empty_at is None:
        return min(rate * _CUT, PUBLISHED_PER_S)
    seconds = (now - state.empty_at).total_seconds()
    if seconds < _SHORT_MEASURE_S:
        return rate * _CUT
    return (refusal.begin - state.empty_position) / seconds * _BELOW


def steady(state: ImportPace, limits: Limits, now: datetime) -> ImportPace:
    """The directory nears its limit (its latency rises, or it says so): the rate does not grow for a while."""
    if state.cut_at is not None and now < state.cut_at + _A_WHILE:
        return state
    return replace(state, found=state.rate(limits, now), cut_at=now)


def _since(cut_at: datetime | None, at: datetime) -> float:
    return (at - cut_at).total_seconds() if cut_at is not None else 0.0


def _rate(found: float | None, since: float, most: float) -> float:
    if found is None:
        return most
    growing = max(0.0, since - _STAY_S) / _GROW_S
    return min(most, max(_LEAST_PER_S, found * (1 + _GROWTH * growing**2)))


def _passed(found: float | None, start: float, end: float, most: float) -> float:
    """Guests between two times after a cut."""
    if found is None or found >= most:
        return most * (end - start)
    found = max(found, min(_LEAST_PER_S, most))
    full = _STAY_S + _GROW_S * sqrt((most / found - 1) / _GROWTH)

    def until(time: float) -> float:
        growing = max(0.0, min(time, full) - _STAY_S)
        grown = found * _GROWTH * growing**3 / (3 * _GROW_S**2)
        return found * min(time, full) + grown + most * max(0.0, time - full)

    return until(end) - until(start)
