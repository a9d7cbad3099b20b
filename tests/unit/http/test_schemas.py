"""Schemas are filled from records by the names of their fields."""

from dataclasses import dataclass
from enum import StrEnum

import msgspec
import pytest
from msgspec import field

from shared.http.schemas import Answer, Person


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Someone:
    id: str
    name: str
    is_guest: bool = False


@dataclass(frozen=True, slots=True)
class House:
    number: int
    colour: Colour
    owners: tuple[Someone, ...]
    group: str | None = None

    @property
    def is_odd(self) -> bool:
        return self.number % 2 == 1


class HouseAnswer(Answer):
    number: int
    colour: str
    owners: list[Person]
    group: str | None = field(name="groupId")
    is_odd: bool
    nick_name: str


def test_a_schema_is_filled_from_a_record_and_from_what_is_computed() -> None:
    house = House(7, Colour.RED, (Someone("1", "Ada"),))

    answer = HouseAnswer.of(house, nick_name="The red one")

    assert msgspec.to_builtins(answer) == {
        "number": 7,
        "colour": "red",
        "owners": [{"id": "1", "name": "Ada"}],
        "groupId": None,
        "isOdd": True,
        "nickName": "The red one",
    }


def test_what_is_computed_stands_in_for_the_records_own() -> None:
    assert HouseAnswer.of(House(7, Colour.RED, ()), nick_name="", group="g", number=8).group == "g"


def test_a_field_that_the_record_has_not_is_no_null() -> None:
    with pytest.raises(AttributeError, match="nick_name"):
        HouseAnswer.of(House(7, Colour.RED, ()))


def test_nothing_is_computed_that_the_schema_has_not() -> None:
    with pytest.raises(TypeError, match="nickname"):
        HouseAnswer.of(House(7, Colour.RED, ()), nick_name="", nickname="")


def test_a_field_of_another_type_is_not_answered() -> None:
    with pytest.raises(msgspec.ValidationError):
        HouseAnswer.of(House(7, Colour.RED, ()), nick_name=3)
