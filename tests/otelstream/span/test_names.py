"""The closed set of names."""

from __future__ import annotations

from collections.abc import Iterator

from otelstream.frame import StreamFrame
from otelstream.span import names
from otelstream.span.model import Anomaly, Operation, StartSpan
from otelstream.span.rules import PAIRS, SESSION
from otelstream.testing import assembled

CONSTANTS = {name: value for name, value in vars(names).items() if name.isupper()}
SPAN_NAMES = {pair.kind.span_name for pair in PAIRS} | {SESSION.span_name}


def keys_of(operations: list[Operation]) -> Iterator[str]:
    """The attribute keys of all operations."""
    for operation in operations:
        if not isinstance(operation, Anomaly):
            yield from operation.attributes


def test_no_two_names_are_equal() -> None:
    """Each constant names one thing."""
    assert sorted(CONSTANTS.values()) == sorted(set(CONSTANTS.values()))


def test_every_key_is_in_the_set(golden_frames: tuple[StreamFrame, ...]) -> None:
    """No golden stream leads to an attribute key that is not written down here."""
    free = (names.DATA_PREFIX, names.ANOMALY_PREFIX)
    keys = {key for key in keys_of(assembled(golden_frames)) if not key.startswith(free)}
    assert keys - set(CONSTANTS.values()) == set()


def test_every_span_name_begins_with_a_word_of_the_set(golden_frames: tuple[StreamFrame, ...]) -> None:
    """A span name is the word of its kind, alone or before a name that a developer gave."""
    starts = [one for one in assembled(golden_frames) if isinstance(one, StartSpan)]
    assert {start.name.partition(" ")[0] for start in starts} - SPAN_NAMES == set()
