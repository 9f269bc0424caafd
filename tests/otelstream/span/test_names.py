"""The closed set of names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from otelstream.frame import StreamFrame
from otelstream.span import names
from otelstream.span.model import AddEvent, Anomaly, EndSpan, Follow, Operation, StartSpan
from otelstream.span.options import SpanOptions
from otelstream.span.rules import PAIRS, SESSION
from otelstream.testing import assembled

CONSTANTS = {name: value for name, value in vars(names).items() if name.isupper() and isinstance(value, str)}
VERSIONS: tuple[names.Convention, names.Convention] = ("1.41", "main")
SPAN_NAMES = {pair.kind.span_name for pair in PAIRS} | {SESSION.span_name}


def keys_of(operations: list[Operation]) -> Iterator[str]:
    """The attribute keys of all operations."""
    for operation in operations:
        if not isinstance(operation, Anomaly | Follow):
            yield from operation.attributes


def test_no_two_names_are_equal() -> None:
    """Each constant names one thing."""
    assert sorted(CONSTANTS.values()) == sorted(set(CONSTANTS.values()))


def test_the_tagged_release_renames_nothing() -> None:
    """Constants are the names of 1.41."""
    attributes = dict.fromkeys(CONSTANTS.values(), 1)
    assert names.in_version(attributes, "1.41") is attributes


def test_the_main_branch_renames_one_usage() -> None:
    """What was created in a cache is what was written to it."""
    assert names.in_version({names.USAGE_CACHE_CREATION: 3, names.USAGE_CACHE_READ: 2}, "main") == {
        "gen_ai.usage.cache_write.input_tokens": 3,
        "gen_ai.usage.cache_read.input_tokens": 2,
    }


def test_the_main_branch_says_less_of_agents() -> None:
    """Provider and id are not on agents of the same process, and stay on calls."""
    said = {names.PROVIDER_NAME: "openai", names.AGENT_ID: "a1", names.AGENT_NAME: "Writer"}
    agent, call = {names.OPERATION_NAME: "invoke_agent", **said}, {names.OPERATION_NAME: "chat", **said}
    assert names.in_version(agent, "main") == {
        names.OPERATION_NAME: "invoke_agent",
        names.AGENT_NAME: "Writer",
    }
    assert names.in_version(call, "main") == call


def test_a_session_speaks_one_version(golden: Callable[[str], tuple[StreamFrame, ...]]) -> None:
    """With `main`, every operation has the coming names, and nothing else is different."""
    frames = golden("05_crew_two_agents_tools")
    tagged, coming = (assembled(frames, options=SpanOptions(semconv=version)) for version in VERSIONS)
    renamed = [
        replace(one, attributes=names.in_version(one.attributes, "main"))
        if isinstance(one, StartSpan | EndSpan | AddEvent)
        else one
        for one in tagged
    ]
    assert coming == renamed
    assert coming != tagged


def test_every_key_is_in_the_set(golden_frames: tuple[StreamFrame, ...]) -> None:
    """No golden stream leads to an attribute key that is not written down here."""
    free = (names.DATA_PREFIX, names.ANOMALY_PREFIX, names.CHUNK_COUNT_PREFIX)
    keys = {key for key in keys_of(assembled(golden_frames)) if not key.startswith(free)}
    assert keys - set(CONSTANTS.values()) == set()


def test_every_span_name_begins_with_a_word_of_the_set(golden_frames: tuple[StreamFrame, ...]) -> None:
    """A span name is the word of its kind, alone or before a name that a developer gave."""
    starts = [one for one in assembled(golden_frames) if isinstance(one, StartSpan)]
    assert {start.name.partition(" ")[0] for start in starts} - SPAN_NAMES == set()
