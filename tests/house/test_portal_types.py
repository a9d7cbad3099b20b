"""The portal's types are those of the API's models."""

from build_tools import portal


def test_the_portals_types_are_drawn_from_the_description_of_the_api() -> None:
    assert portal.TYPES.read_text(encoding="utf-8") == portal.types(), "run: python3 dev.py types"
