"""What frames of a session share and what they do not: what is written apart is not taken for the same."""

from __future__ import annotations

import math
from typing import Any

import pytest

from otelstream.frame import frame_json
from recorder import encoder
from recorder.encoder import FrameEncoder
from recorder.rows import FrameRow, build_frame, frame_of, shared_of
from tests.contract.programs import frame
from tests.recorder.odd import MAY, encoded, round_trips, tokens, zone


@pytest.mark.parametrize(
    ("previous_id", "stored"),
    [(None, ""), ("frame-0", None), ("frame-7", "frame-7"), ("", "")],
    ids=["none", "the-one-before", "another", "empty"],
)
def test_the_previous_id_takes_no_room_where_it_is_that_of_the_frame_before(
    previous_id: str | None, stored: str | None
) -> None:
    """NULL is the id of the row before, an empty text is none."""
    found, _ = encoded([frame(0), frame(1, previous_id=previous_id)])

    assert found[1].previous_id == stored


@pytest.mark.parametrize("previous_id", [None, "", "frame-0", "frame-7", "\ud800", "\\ud800"])
@pytest.mark.parametrize("first_id", ["frame-0", "", "\ud800", "\\ud800"])
def test_the_previous_id_comes_back(first_id: str, previous_id: str | None) -> None:
    """None, empty, that of the frame before or any other, also beside texts that UTF-8 cannot hold."""
    frames = [frame(0, id=first_id), frame(1, previous_id=previous_id)]

    assert round_trips(frames) == frames


# Each is laid over what the tokens of a call have in common, and stands in the middle of the call.
CHANGES: dict[str, dict[str, Any]] = {
    "true-for-1": {"n": True},
    "float-for-1": {"n": 1.0},
    "minus-zero": {"n": -0.0},
    "text-for-1": {"n": "1"},
    "another-order-deeper-down": {"inner": {"b": 1, "a": 1}},
    "true-deeper-down": {"inner": {"a": True, "b": 1}},
    "a-list-for-a-tuple": {"items": [1]},
    "one-key-more": {"more": None},
    "another-call": {"call_id": "d"},
    "no-call": {"call_id": None},
    "a-call-of-a-tool": {"tool_call": {"id": 1}},
    "not-a-number": {"n": math.nan},
    "a-huge-number": {"n": 2**70},
}
COMMON: dict[str, Any] = {"n": 1, "inner": {"a": 1, "b": 1}, "items": (1,)}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_what_changes_within_a_call_comes_back(change: dict[str, Any]) -> None:
    """A frame that is equal to the others but written differently comes back as it was, and so do they."""
    frames = tokens(COMMON, {**COMMON, **change}, COMMON)

    assert list(map(frame_json, round_trips(frames))) == list(map(frame_json, frames))


@pytest.mark.parametrize("key", ["chunk", "tool_call", "call_id"])
def test_a_key_that_is_missing_within_a_call_stays_missing(key: str) -> None:
    """A frame that lacks a key of the others does not get it back from their context."""
    frames = tokens({}, {}, {})
    del frames[1].data[key]

    assert round_trips(frames) == frames


def test_the_order_of_keys_within_a_call_comes_back() -> None:
    """A frame with the same keys in another order keeps its order."""
    frames = tokens({}, {}, {})
    frames[1].data = dict(reversed(frames[1].data.items()))

    assert list(map(frame_json, round_trips(frames))) == list(map(frame_json, frames))


@pytest.mark.parametrize(
    "change",
    [
        {"channel": "custom"},
        {"namespace": ["llm", "b"]},
        {"namespace": []},
        {"type": "llm_thinking_chunk"},
        {"timestamp": MAY},
        {"timestamp": MAY.replace(tzinfo=zone(hours=2))},
    ],
    ids=["channel", "namespace", "no-namespace", "type", "naive", "zone"],
)
def test_an_envelope_that_changes_within_a_call_comes_back(change: dict[str, Any]) -> None:
    """Channel, namespace and time zone are shared only by the frames that have them."""
    frames = tokens({}, {}, {})
    frames[1] = frames[1].model_copy(update=change)

    assert list(map(frame_json, round_trips(frames))) == list(map(frame_json, frames))


def test_calls_that_take_turns_share_a_context_each() -> None:
    """Tokens of parallel calls do not push each other's context out."""
    frames = tokens(*({"call_id": "ab"[number % 2], "chunk": str(number)} for number in range(20)))
    _, contexts = encoded(frames)

    assert (len(contexts), round_trips(frames)) == (2, frames)


def test_a_context_that_was_forgotten_is_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory of the encoder is bounded; what falls out of it costs room, not truth."""
    monkeypatch.setattr(encoder, "REMEMBERED_CONTEXTS", 2)
    frames = tokens(*({"call_id": "abc"[number % 3]} for number in range(9)))
    _, contexts = encoded(frames)

    assert (len(contexts), round_trips(frames)) == (9, frames)


def test_what_a_program_changes_afterwards_changes_no_row() -> None:
    """The observed program owns its frames; it may change what it has given away."""
    inner: dict[str, Any] = {"list": [1]}
    namespace = ["llm"]
    first, second = tokens({"inner": inner}, {"inner": inner}, namespace=namespace)
    expected = frame_json(first)
    encoder = FrameEncoder(0)
    row = FrameRow._make(encoder.encode(first, 0, 0))
    inner["list"].append(2)
    namespace.append("more")
    encoder.encode(second, 1, 0)

    assert frame_json(frame_of(row, shared_of(encoder.new_contexts[0]), None, build_frame)) == expected


def test_what_is_done_to_a_frame_changes_no_other() -> None:
    """Frames that share a context share nothing that can be changed."""
    frames = tokens({"inner": {"list": [1]}}, {"inner": {"list": [1]}})
    first, second = round_trips(frames)
    first.data["inner"]["list"].append(2)
    first.data["more"] = 1
    first.namespace.append("more")

    assert second == frames[1]
