"""Secrets in recorded bytes and under odd keys stand where the redaction finds them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from otelstream.redact import Redactor
from recorder.exceptions import encode_exception
from recorder.texts import decode_bytes, encode_bytes, without_base64
from recorder.values import decode_value, encode_value

REDACTOR = Redactor()
VALUE = "Zq9x-8Kd2-hunter2"


@given(st.binary())
def test_bytes_come_back(value: bytes) -> None:
    """Whether or not they are UTF-8."""
    assert decode_bytes(encode_bytes(value)) == value


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        ("ü".encode(), {"$type": "bytes", "text": "ü"}),
        (b"\xffa", {"$type": "bytes", "latin1": "\xffa"}),
    ],
)
def test_bytes_are_written_as_text(value: bytes, encoded: JsonValue) -> None:
    """As UTF-8 if they are that, otherwise a character for each byte."""
    assert encode_value(value) == encoded


def test_bytes_of_older_recordings_are_read() -> None:
    """They are in base64."""
    assert decode_value({"$type": "bytes", "value": "AP8="}) == b"\0\xff"


def test_bytes_of_older_recordings_are_written_anew() -> None:
    """Anywhere in a value; what is no base64 stays."""
    encoded: JsonValue = [{"a": {"$type": "bytes", "value": "eA=="}}, {"$type": "bytes", "value": "*"}, 1]
    assert without_base64(encoded) == [
        {"a": {"$type": "bytes", "text": "x"}},
        {"$type": "bytes", "value": "*"},
        1,
    ]


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        (f"password={VALUE}".encode(), b"password=REDACTED"),
        (b"\xff token=" + VALUE.encode(), b"\xff token=REDACTED"),
        ({"password": (VALUE, 1)}, {"password": ("REDACTED", "REDACTED")}),
        ({"password": b"x"}, {"password": b"REDACTED"}),
        ({("password", 1): "x"}, {("password", 1): "REDACTED"}),
        ({b"password": "x", ("user", 1): "y"}, {b"password": "REDACTED", ("user", 1): "y"}),
        ([("password", VALUE)], [("password", "REDACTED")]),
    ],
)
def test_a_masked_value_is_read_back_as_what_it_was(value: object, masked: object) -> None:
    """Only the secret in it is another one."""
    assert decode_value(REDACTOR.redact(encode_value(value))) == masked


@pytest.mark.parametrize(
    "error",
    [
        ValueError("bad password", VALUE),
        ValueError(("password", VALUE)),
        UnicodeDecodeError("utf8", f"password={VALUE}".encode(), 0, 1, "x"),
    ],
)
def test_no_secret_is_left_of_an_exception(error: Exception) -> None:
    """Neither in its arguments nor in its text."""
    assert VALUE not in str(REDACTOR.redact(encode_exception(error)))
