"""Ids derived from frame ids."""

from __future__ import annotations

import pytest

from otelstream.span.ids import span_id, trace_id

KEYS = [f"f{number}" for number in range(10_000)]


def test_ids_are_these_numbers() -> None:
    """Ids never change: an export of a recording of last year joins the live export of last year."""
    assert trace_id("f0") == 0x7B227FE6AF2D9EC651BBA2F9FA9E29DC
    assert span_id("root", "f0") == 0x3729CF5FDAFC2AB6


def test_ids_differ() -> None:
    """No two of ten thousand frames have the same span id or trace id."""
    assert len({span_id("root", key) for key in KEYS}) == len({trace_id(key) for key in KEYS}) == len(KEYS)


def test_ids_fit_and_are_not_zero() -> None:
    """A span id has 64 bits and a trace id 128, and 0 is no id."""
    assert all(0 < span_id("root", key) < 2**64 for key in KEYS)
    assert all(0 < trace_id(key) < 2**128 for key in KEYS)


def test_a_span_id_is_no_part_of_the_trace_id() -> None:
    """The two ids of one frame have nothing in common."""
    assert span_id("root", "f0") not in (trace_id("f0") >> 64, trace_id("f0") % 2**64)


@pytest.mark.parametrize("key", ["", "\ud800", "é", "x" * 100_000])
def test_any_string_has_ids(key: str) -> None:
    """A frame's id is any text, lone surrogates included."""
    assert span_id("root", key) > 0
    assert trace_id(key) > 0
