"""Where a page ended, as callers give it back."""

import json

import pytest

from shared.core import continuations
from shared.core.errors import Refused
from shared.core.reasons import Reason


def test_a_place_comes_back_as_it_was_written() -> None:
    assert continuations.read(continuations.written(b"[1, 2]"), json.loads) == [1, 2]


@pytest.mark.parametrize("text", ["!", "A", continuations.written(b"no JSON"), continuations.written(b"[" * 50_000)])
def test_what_was_never_given_out_is_refused_however_deep_it_is_nested(text: str) -> None:
    with pytest.raises(Refused) as caught:
        continuations.read(text, json.loads)
    assert (caught.value.reason, caught.value.field) == (Reason.PARAMETER_INVALID, "continuation")
