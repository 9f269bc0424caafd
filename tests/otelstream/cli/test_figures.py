"""Numbers as people read them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest

from otelstream.cli.figures import shown, size, unit_of


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("p50_s", 0.0, "0 s"),
        ("p50_s", 0.000011, "0.011 ms"),
        ("p50_s", 0.00000005, "0.00005 ms"),
        ("p50_s", 0.00043, "0.43 ms"),
        ("p50_s", 0.0125, "12 ms"),
        ("p50_s", 0.0996, "100 ms"),
        ("p50_s", 0.9996, "1.0 s"),
        ("p50_s", 1.234, "1.2 s"),
        ("total_s", 119.9, "119.9 s"),
        ("total_s", 185.0, "3.1 min"),
        ("total_s", 7_200.0, "2.0 h"),
        ("total_s", 5_577_711.0, "1,549.4 h"),
        ("input_tokens", 12_345, "12,345"),
        ("output_tokens_so_far", 2**63 - 1, "9,223,372,036,854,775,807"),
        ("output_tokens_per_s", 1550.478, "1,550.5"),
        ("output_tokens_per_s", 0.03, "0.03"),
        ("failure_share", 0.0, "0 %"),
        ("failure_share", 0.3333, "33 %"),
        ("failure_share", 0.0004, "0.04 %"),
        ("failure_share", 0.9999, "99.99 %"),
        ("failure_share", 0.999999, "99.99 %"),
        ("failure_share", 1.0, "100 %"),
        ("cost_usd", 0.0, "$0.00"),
        ("cost_usd", 0.003170925, "$0.0032"),
        ("cost_usd", 0.000003, "$0.000003"),
        ("cost_usd", Decimal("1234.5"), "$1,234.50"),
        ("left_open", True, "yes"),
        ("left_open", False, "no"),
        ("model", "gpt-4o", "gpt-4o"),
        ("input_tokens", None, ""),
        ("started_at", datetime(2026, 11, 20, 9, 8, 7, 654_321), "2026-11-20 09:08:07"),
        ("day", date(2026, 11, 20), "2026-11-20"),
        ("p50_s", float("nan"), "nan"),
        ("frames_per_commit", float("inf"), "inf"),
    ],
)
def test_a_value_has_the_unit_of_its_column(column: str, value: object, text: str) -> None:
    """What the column's name ends with tells how its values are written; NULL is empty, and no zero."""
    assert shown(column, value) == text


@pytest.mark.parametrize(
    ("column", "unit"),
    [
        ("p95_s", "duration"),
        ("output_tokens_per_s", "tokens a second"),
        ("cached_tokens", "tokens"),
        ("input_tokens_so_far", "tokens"),
        ("cost_usd", "US dollars"),
        ("failure_share", "share"),
        ("runs", ""),
    ],
)
def test_a_column_says_what_it_counts(column: str, unit: str) -> None:
    """For the axis of a picture; of a mere count the title says it."""
    assert unit_of(column) == unit


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1_000, "1.0 KB"), (999_999, "1.0 MB"), (51_200_000, "51.2 MB")],
)
def test_sizes(count: int, text: str) -> None:
    """In thousands."""
    assert size(count) == text
