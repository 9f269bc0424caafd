"""Places in a session as people write them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from otelstream.cli.places import place
from recorder.cut import Bound


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, None),
        ("0", 0),
        ("900000", 900_000),
        ("-20", -20),
        ("12.5s", timedelta(seconds=12.5)),
        ("3s", timedelta(seconds=3)),
        ("1.5m", timedelta(seconds=90)),
        ("2h", timedelta(hours=2)),
        ("2026-11-20T14:03:00Z", datetime(2026, 11, 20, 14, 3, tzinfo=timezone.utc)),
        ("2026-11-20 14:03:00.123456", datetime(2026, 11, 20, 14, 3, 0, 123456)),
        ("2026-11-20T14:03:00+02:00", datetime(2026, 11, 20, 14, 3, tzinfo=timezone(timedelta(hours=2)))),
        ("2026-11-20", datetime(2026, 11, 20)),
        ("tool_usage_started", "tool_usage_started"),
        ("dd97d677-202d-4a2e-86f5-18072a3b35e1", "dd97d677-202d-4a2e-86f5-18072a3b35e1"),
        ("", ""),
        ("12.5", "12.5"),
        ("s", "s"),
    ],
)
def test_what_is_meant(text: str | None, found: Bound) -> None:
    """A number, a time after the start, a moment; else it is an id or a type."""
    assert place(text) == found
