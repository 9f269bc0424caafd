"""A secret of a known value is masked however it is written."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otelstream.redact import Redactor
from otelstream.redact.literals import base64_forms

VALUE = 'hunter2"/ ü+=\\Zq9'
REDACTOR = Redactor(values=[VALUE])


@pytest.mark.parametrize(
    "write",
    [
        str,
        repr,
        json.dumps,
        lambda text: json.dumps(json.dumps(text)),
        lambda text: json.dumps(text, ensure_ascii=False),
        lambda text: json.dumps(repr(text)),
        lambda text: quote(text, safe=""),
        lambda text: re.sub("%..", lambda found: found[0].lower(), quote(text, safe="")),
        quote_plus,
    ],
)
def test_a_literal_is_known_in_every_spelling(write: Callable[[str], str]) -> None:
    """Escaped for JSON, also twice, for Python and for URLs."""
    masked = REDACTOR.redact_text(f"it is {write(VALUE)} here")
    assert ("REDACTED" in masked, "Zq9" in masked, masked.startswith("it is "), masked.endswith(" here")) == (
        True,
        False,
        True,
        True,
    )


@given(st.binary(max_size=9), st.text(min_size=8, max_size=20), st.binary(max_size=9))
def test_a_literal_is_known_in_base64(before: bytes, value: str, after: bytes) -> None:
    """Whatever stands in front of it and behind it, as in `user:password`."""
    raw = before + value.encode("utf-8", "surrogatepass") + after
    assert any(form in b64encode(raw).decode() for form in base64_forms(value))


def test_base64_of_a_literal_is_masked() -> None:
    """As in the header of a request, and elsewhere."""
    secret = "correct-horse-9"
    encoded = b64encode(f"u:{secret}".encode()).decode()
    masked = Redactor(values=[secret]).redact_text(f"x={encoded}")
    assert (masked.startswith("x="), "REDACTED" in masked, encoded[4:-4] in masked) == (True, True, False)


def test_a_value_that_ends_like_a_secret_name_counts() -> None:
    """Only values that are words are taken for names of keys."""
    assert Redactor(values=["Zq9x-8Kd2-token"]).redact_text("it is Zq9x-8Kd2-token") == "it is REDACTED"
