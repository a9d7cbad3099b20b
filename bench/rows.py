"""What a benchmark gives."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `against` is the reference's figure in the same unit, `ratio` the figure over it, `holds` whether
    the goal is kept (None without a goal)."""

    name: str
    value: float
    unit: str
    against: float | None
    ratio: float | None
    goal: str | None
    holds: bool | None
    note: str = ""
