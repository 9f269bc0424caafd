"""Secrets whose names stand beside them and not in front: in lists, in pairs of name and value, in XML."""

from __future__ import annotations

import pytest

from otelstream.redact import Json, Redactor

REDACTOR = Redactor()
VALUE = "Zq9x-8Kd2-hunter2"


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ([["X-Api-Key", VALUE]], [["X-Api-Key", "REDACTED"]]),
        ((("password", VALUE),), (("password", "REDACTED"),)),
        (["bad password", VALUE], ["bad password", "REDACTED"]),
        ({"name": "X-Api-Key", "value": "x"}, {"name": "X-Api-Key", "value": "REDACTED"}),
        ({"value": "x", "key": "token"}, {"value": "REDACTED", "key": "token"}),
        (f"[('api_key', '{VALUE}')]", "[('api_key', 'REDACTED')]"),
        (f"{{(b'authorization', b'{VALUE}')}}", "{(b'authorization', b'REDACTED')}"),
        (f'[["X-Api-Key", "{VALUE}"], 1]', '[["X-Api-Key", "REDACTED"], 1]'),
        (rf"[[\"X-Api-Key\", \"{VALUE}\"], 1]", r"[[\"X-Api-Key\", \"REDACTED\"], 1]"),
        (f"('bad password', '{VALUE}", "('bad password', 'REDACTED"),
        ('{"name": "X-Api-Key", "value": "x"}', '{"name": "X-Api-Key", "value": "REDACTED"}'),
        ("<password>x y</password> z", "<password>REDACTED</password> z"),
        (f"<ns:password>{VALUE}", "<ns:password>REDACTED"),
        (f"https%3A%2F%2Fh%3Fapi_key%3D{VALUE}%26x%3D1", "https%3A%2F%2Fh%3Fapi_key%3DREDACTED%26x%3D1"),
        (f"db:\n  password: >-\n    {VALUE}\n", "db:\n  password: >-\n    REDACTED\n"),
    ],
)
def test_a_secret_beside_its_name_is_masked(value: Json, masked: Json) -> None:
    """Only the secret goes; its name and what is around it stay."""
    assert REDACTOR.redact(value) == masked
