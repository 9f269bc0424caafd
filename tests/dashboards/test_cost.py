"""What calls cost: by the longest name of the price list, and never a number where none is known."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from otelstream.testing import Script
from tests.dashboards.reports import DAY_MS, Row, a_flow, call, ended, open_call, record, rows_of

DAY = date(2026, 1, 1)
MILLION = {"prompt_tokens": 1_000_000, "completion_tokens": 1_000_000}
PRICES = {
    "gpt-4o-2024-08-06": ("gpt-4o", 12.5),
    "gpt-4o-minimal": ("gpt-4o", 12.5),
    "gpt-4.1:custom": ("gpt-4.1", 10.0),
    "gpt-4.1@eu": ("gpt-4.1", 10.0),
    "gpt-4o-mini": ("gpt-4o-mini", 0.75),
    "gpt-4o-mini-2024-07-18": ("gpt-4o-mini", 0.75),
    "gpt-4": (None, None),
    "gpt-4.12": (None, None),
    "house-model": (None, None),
    "openai/gpt-4o": (None, None),
}
"""Whose price a model has, and what a million tokens in and a million out cost; the dearest first."""


def cost_of(path: Path, script: Script) -> list[Row]:
    """What the calls of a flow cost."""
    record(path, script)
    return rows_of("cost_by_model_and_day", path)


def used(script: Script, model: str | None, usage: dict[str, int] | None) -> Script:
    """A flow with one call more."""
    call(script, model, usage=usage)
    return script


def test_a_model_has_the_price_of_its_longest_name(path: Path) -> None:
    """Of its own name, or of one that it continues; without one it is listed, and costs NULL."""
    script = a_flow()
    for model in PRICES:
        used(script, model, MILLION)

    assert cost_of(path, ended(script)) == [
        (DAY, model, 1, 0, 1_000_000, None, None, 1_000_000, price_of, int(cost_usd is None), cost_usd)
        for model, (price_of, cost_usd) in PRICES.items()
    ]


def test_a_call_without_a_model_is_listed(path: Path) -> None:
    """Its tokens are known, its cost is not."""
    assert cost_of(path, ended(used(a_flow(), None, MILLION))) == [
        (DAY, None, 1, 0, 1_000_000, None, None, 1_000_000, None, 1, None)
    ]


def test_cached_tokens_are_not_billed_twice(path: Path) -> None:
    """Of a million, 400,000 have the price of the cache, the rest that of input: 0.4 * 0.075 + 0.6 * 0.15."""
    usage = {"prompt_tokens": 1_000_000, "completion_tokens": 0, "cached_prompt_tokens": 400_000}

    assert cost_of(path, ended(used(a_flow(), "gpt-4o-mini", usage))) == [
        (DAY, "gpt-4o-mini", 1, 0, 1_000_000, 400_000, None, 0, "gpt-4o-mini", 0, 0.12)
    ]


def test_tokens_that_are_written_into_the_cache_have_their_price(path: Path) -> None:
    """Of a million, 100,000 were read from it, 200,000 written: 0.1 * 0.30 + 0.2 * 3.75 + 0.7 * 3.00."""
    usage = {
        "prompt_tokens": 1_000_000,
        "completion_tokens": 0,
        "cached_prompt_tokens": 100_000,
        "cache_creation_tokens": 200_000,
    }

    assert cost_of(path, ended(used(a_flow(), "claude-sonnet-4-20250514", usage))) == [
        (
            *(DAY, "claude-sonnet-4-20250514", 1, 0, 1_000_000, 100_000, 200_000, 0),
            *("claude-sonnet-4", 0, 2.88),
        )
    ]


def test_more_tokens_in_the_cache_than_in_the_input_have_no_cost(path: Path) -> None:
    """Such a provider counts otherwise, and nobody knows what it bills."""
    usage = {"prompt_tokens": 10, "completion_tokens": 1, "cached_prompt_tokens": 11}

    assert cost_of(path, ended(used(a_flow(), "gpt-4o", usage))) == [
        (DAY, "gpt-4o", 1, 0, 10, 11, None, 1, "gpt-4o", 1, None)
    ]


def test_tokens_that_nobody_reports_are_null(path: Path) -> None:
    """Calls without usage or half of one, a failure, a call that never ended: all are counted, none is 0."""
    script = a_flow()
    call(script, usage=None)
    call(script, usage={"prompt_tokens": 10})
    call(script, error="no tea")
    open_call(script)

    assert cost_of(path, script) == [(DAY, "gpt-4o-mini", 4, 4, 10, None, None, None, "gpt-4o-mini", 4, None)]


def test_what_is_reported_is_summed_beside_what_is_not(path: Path) -> None:
    """The cost is that of the calls that tell, and how many do not is said."""
    script = used(used(a_flow(), "gpt-4o", MILLION), "gpt-4o", None)

    assert cost_of(path, ended(script)) == [
        (DAY, "gpt-4o", 2, 1, 1_000_000, None, None, 1_000_000, "gpt-4o", 1, 12.5)
    ]


def test_days_are_told_apart_in_utc(path: Path) -> None:
    """A call of the last millisecond of a day counts for that day, the next one for the next."""
    script = a_flow()
    script.wait(DAY_MS - 3)
    used(used(used(script, "gpt-4.1", MILLION), "gpt-4o", MILLION), "gpt-4o-mini", MILLION)

    assert cost_of(path, ended(script)) == [
        (DAY, "gpt-4.1", 1, 0, 1_000_000, None, None, 1_000_000, "gpt-4.1", 0, 10.0),
        (date(2026, 1, 2), "gpt-4o", 1, 0, 1_000_000, None, None, 1_000_000, "gpt-4o", 0, 12.5),
        (date(2026, 1, 2), "gpt-4o-mini", 1, 0, 1_000_000, None, None, 1_000_000, "gpt-4o-mini", 0, 0.75),
    ]
