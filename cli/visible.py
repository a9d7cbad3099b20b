"""Text of the API's on a terminal: names and reasons come from strangers, and a terminal obeys control characters."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_LEFT = frozenset("\n\t\u200c\u200d")
"""What stays: lines, and joiners, which letters and emoji need."""


def visible(text: str) -> str:
    """The text with every character that is not to be seen written out, as Python writes it."""
    return "".join(repr(c)[1:-1] if _is_hidden(c) else c for c in text)


def json_text(document: Any) -> str:
    """The document, letters as they are; what is not to be seen is escaped and read back as it was."""
    text = json.dumps(document, ensure_ascii=False, indent=2)
    return "".join(json.dumps(c)[1:-1] if _is_hidden(c) else c for c in text)


def _is_hidden(c: str) -> bool:
    return unicodedata.category(c) in _HIDDEN and c not in _LEFT
