"""The id of an import, which the ids of its chunks are made of."""

from typing import NewType

ImportId = NewType("ImportId", str)
"""22 hex digits: 12 of inverted time, so that the newest sorts first, and 10 random ones, of which the first four
are in the ids of its chunks."""
