"""What is not JSON is masked in the form in which it will be written."""

from __future__ import annotations

from collections import UserDict, deque
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import PurePosixPath
from types import MappingProxyType

import pytest
from pydantic import AnyUrl, BaseModel, Field

from otelstream.redact import Json, Redactor

KEY = "sk-AbCdEf0123456789GhIjKl"
REDACTOR = Redactor()


class _Opaque:
    def __repr__(self) -> str:
        return f"Opaque(token={KEY[3:]!r})"


class _Model(BaseModel):
    api_key: str
    hidden: str = Field(exclude=True, default=KEY)


@dataclass
class _Config:
    password: str


class _Level(Enum):
    HIGH = KEY


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        (_Model(api_key="x"), {"api_key": "REDACTED"}),
        (_Config("x"), {"password": "REDACTED"}),
        ({KEY}, ["REDACTED"]),
        (deque([KEY]), "deque(['REDACTED'])"),
        (KEY.encode(), "REDACTED"),
        (b"\xff " + KEY.encode(), repr(b"\xff REDACTED")),
        (PurePosixPath(f"/x/{KEY}"), "PurePosixPath('/x/REDACTED')"),
        (ValueError(KEY), "ValueError('REDACTED')"),
        (_Opaque(), "Opaque(token='REDACTED')"),
        (AnyUrl("postgres://u:pw@h/db"), "postgres://u:REDACTED@h/db"),
        (MappingProxyType({"password": "x"}), "mappingproxy({'password': 'REDACTED'})"),
        (UserDict({"password": "x"}), "{'password': 'REDACTED'}"),
        (_Level.HIGH, "REDACTED"),
        (datetime(2026, 1, 1), "2026-01-01T00:00:00"),
        ({"api_key": object()}, {"api_key": "REDACTED"}),
        ({(KEY, 1): 2}, {"REDACTED,1": 2}),
        ({("password", 1): "x"}, {"password,1": "REDACTED"}),
        ({b"password": "x", 7: "y", None: "z"}, {"password": "REDACTED", 7: "y", None: "z"}),
    ],
)
def test_what_is_not_json_is_masked_as_it_will_be_written(value: Json, masked: Json) -> None:
    """Objects and odd keys are brought into their JSON form first, as the encoder would do afterwards."""
    assert REDACTOR.redact({"it": value}) == {"it": masked}
