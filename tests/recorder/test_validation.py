"""Errors of pydantic's validation through JSON text and back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, HttpUrl, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from recorder.exceptions import ReplayedError
from recorder.values import decode_value, encode_value
from tests.recorder.test_instances import Picky, through_json


def refused(model: type[BaseModel], **fields: object) -> ValidationError:
    """The error of a model that refuses what it is given."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate(fields)
    return caught.value


class Choosy(BaseModel):
    """Refuses in words of its own."""

    x: int = Field(default=1, ge=0)

    @field_validator("x")
    @classmethod
    def no_seven(cls, value: int) -> int:
        if value == 7:
            raise PydanticCustomError("seven", "seven is {how} lucky", {"how": "too"})
        return value


class Site(BaseModel):
    url: HttpUrl


class Discreet(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)
    x: int


@pytest.mark.parametrize(
    "error",
    [
        refused(Picky, x=3),
        refused(Picky),
        refused(Choosy, x=7),
        refused(Choosy, x=-1),
        refused(Choosy, x="seven"),
        refused(Site, url="no"),
    ],
    ids=["own", "missing", "custom", "bound", "type", "url"],
)
def test_an_error_of_validation_comes_back(error: ValidationError) -> None:
    """It is of pydantic's class, and says the same as text and in parts."""
    restored = through_json(error)
    parts = [repr(each.errors()) for each in (restored, error)]

    assert (type(restored), str(restored), restored.title, parts[0]) == (
        ValidationError,
        str(error),
        error.title,
        parts[1],
    )


def test_an_error_that_hides_its_input_comes_back() -> None:
    """Its text is the same."""
    error = refused(Discreet, x="seven")

    assert (type(through_json(error)), str(through_json(error))) == (ValidationError, str(error))


def test_an_input_that_an_error_hides_is_not_recorded() -> None:
    """What a model hides in its errors is in no recording."""
    assert "swordfish" not in json.dumps(encode_value(refused(Discreet, x="swordfish")))


def test_an_input_stands_under_the_name_of_its_field() -> None:
    """So that the input of a field that is named like a secret is masked."""
    encoded: Any = encode_value(refused(Choosy, x="a"))

    assert encoded["validation"]["errors"][0]["input"] == {"x": "a"}


def test_an_error_in_words_that_pydantic_has_no_more_is_stood_in_for() -> None:
    """What it said is what counts: a text of another release comes from a stand-in, which is a ValueError."""
    encoded: Any = encode_value(refused(Choosy, x="a"))
    restored = decode_value({**encoded, "text": encoded["text"].replace("2.", "1.")})

    assert isinstance(restored, ReplayedError)
    assert isinstance(restored, ValueError)
    assert str(restored) == encoded["text"].replace("2.", "1.")
