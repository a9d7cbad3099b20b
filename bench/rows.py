"""What a benchmark gives."""

from dataclasses import dataclass

HEADINGS = ("benchmark", "Guestlist", "reference", "ratio", "goal")


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

    def cells(self) -> tuple[str, ...]:
        """What stands under `HEADINGS`."""
        held = {True: ", met", False: ", MISSED", None: ""}[self.holds]
        return (
            self.name,
            _figure(self.value, self.unit),
            "" if self.against is None else _figure(self.against, self.unit),
            "" if self.ratio is None else f"{self.ratio:.2f}",
            f"{self.goal or ''}{held}",
        )


def _figure(value: float, unit: str) -> str:
    shown = f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
    return f"{shown} {unit}".strip()
