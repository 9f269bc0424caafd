"""Values that OTLP can carry."""

from __future__ import annotations

import math

import pytest

from otelstream.span.scalars import flag, mapping, number, text


@pytest.mark.parametrize(
    ("value", "expected"),
    [("x", "x"), ("", None), (5, None), (None, None), (b"x", None), ("a\ud800b", "a\\ud800b"), ("é", "é")],
)
def test_text_is_a_string_that_otlp_can_carry(value: object, expected: str | None) -> None:
    """Lone surrogates are spelled out; what is no text is nothing."""
    assert text(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0),
        (1.5, 1.5),
        (math.inf, math.inf),
        (2**63 - 1, 2**63 - 1),
        (-(2**63), -(2**63)),
        (2**63, None),
        (-(2**63) - 1, None),
        (True, None),
        ("1", None),
        (None, None),
    ],
)
def test_a_number_has_64_bits(value: object, expected: float | None) -> None:
    """A larger integer, a flag and a numeral are no numbers."""
    assert number(value) == expected


@pytest.mark.parametrize(("value", "expected"), [(True, True), (False, False), (1, None), ("yes", None)])
def test_a_flag_is_a_bool(value: object, expected: bool | None) -> None:
    """Nothing else is true or false."""
    assert flag(value) is expected


def test_a_mapping_is_a_mapping() -> None:
    """Anything else is an empty one."""
    assert [mapping(value) for value in ({"a": 1}, None, "text", [("a", 1)])] == [{"a": 1}, {}, {}, {}]
