"""Conditions of ``$filter`` that the directory takes: three levels at most, a lambda being one of them, fifteen
alternatives, and values of 120 characters.

Sources: Microsoft Graph, known issue 13635 (the length, the fifteen); microsoft-graph-docs #3641 ("search filter
expression has excessive height: 4. Max allowed: 3").
"""

_LONGEST = 120


def literal(text: str) -> str:
    """A text as it stands between quotes."""
    return text.replace("'", "''")


def fits(value: str) -> bool:
    """Whether the directory compares with the whole value."""
    return len(value) <= _LONGEST


def equals(operand: str, value: str) -> str:
    """That the operand is the value; where it does not fit, that it begins so: the caller then compares what is
    found."""
    if fits(value):
        return f"{operand} eq '{literal(value)}'"
    return f"startswith({operand},'{literal(value[:_LONGEST])}')"
