"""Conditions of ``$filter`` that the directory takes: three levels at most, a lambda being one of them, fifteen
alternatives, and values of 120 characters.

Sources: Microsoft Graph, known issue 13635 (the length, the fifteen); microsoft-graph-docs #3641 ("search filter
expression has excessive height: 4. Max allowed: 3").
"""

from collections.abc import Sequence
from itertools import batched
from urllib.parse import quote

_LONGEST = 120
MAX_IDS = 15
"""Operands of ``in`` in one filter. Source: Microsoft Graph, "Use the $filter query parameter"."""


def literal(text: str) -> str:
    """A text as it stands between quotes."""
    return text.replace("'", "''")


def of_ids(collection: str, ids: Sequence[str], fields: str) -> list[str]:
    """Paths that read fields of the objects with these ids, as many in one filter as it takes. What is not there is
    not in the answer."""
    lists = (",".join(f"'{literal(i)}'" for i in some) for some in batched(ids, MAX_IDS, strict=False))
    return [f"/{collection}?$filter={quote(f'id in ({some})', safe='')}&$select={fields}" for some in lists]


def fits(value: str) -> bool:
    """Whether the directory compares with the whole value."""
    return len(value) <= _LONGEST


def equals(operand: str, value: str) -> str:
    """That the operand is the value; where it does not fit, that it begins so: the caller then compares what is
    found."""
    if fits(value):
        return f"{operand} eq '{literal(value)}'"
    return f"startswith({operand},'{literal(value[:_LONGEST])}')"
