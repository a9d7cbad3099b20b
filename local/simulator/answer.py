"""The answer to a call, apart from the HTTP library."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is rendered as JSON, `text` as plain text; neither: an empty answer. `by_hand` marks what a test wrote
    for a fault: no claim about Graph."""

    status: int = 200
    body: Any = None
    text: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    by_hand: bool = False


NO_CONTENT = Answer(204)
