"""Durations and sizes as people write them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from otelstream.cli.quantities import duration, size
from otelstream.errors import UsageError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("12h", timedelta(hours=12)),
        ("7d", timedelta(days=7)),
        ("2w", timedelta(weeks=2)),
    ],
)
def test_a_duration(text: str, expected: timedelta) -> None:
    """A number and a unit."""
    assert duration(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1B", 1),
        ("500MB", 500_000_000),
        ("2GB", 2_000_000_000),
        ("1GiB", 1_073_741_824),
        ("1.5 kb", 1_500),
        ("2TiB", 2_199_023_255_552),
    ],
)
def test_a_size(text: str, expected: int) -> None:
    """A number and a unit of a thousand, or of 1,024."""
    assert size(text) == expected


@pytest.mark.parametrize("text", ["", "7", "d", "7 days", "1e3d", "٣d", "7dd", "999999d"])
def test_no_duration(text: str) -> None:
    """What is none raises an error that names it."""
    with pytest.raises(UsageError, match="is no duration"):
        duration(text)


@pytest.mark.parametrize("text", ["", "2", "GB", "-2GB", "2XB", "iB", "2iB", "1e9B"])
def test_no_size(text: str) -> None:
    """What is none raises an error that names it."""
    with pytest.raises(UsageError, match="is no size"):
        size(text)
