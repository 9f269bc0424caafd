"""The frame factories: scripts that chain frames as the runtime does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from otelstream.frame import StreamFrame, frame_json, parse_frame
from otelstream.testing import START, START_NS, Script, assembled, make_frame

Chain = tuple[str, str | None, str | None, object]


def chain(frames: list[StreamFrame] | tuple[StreamFrame, ...]) -> list[Chain]:
    """Type, parent, predecessor and what is ended, with ids by the place of their frame."""
    place = {frame.id: f"f{index}" for index, frame in enumerate(frames)}

    def of(frame_id: object) -> str | None:
        return place[frame_id] if isinstance(frame_id, str) else None

    return [
        (frame.type, of(frame.parent_id), of(frame.previous_id), of(frame.data.get("started_event_id")))
        for frame in frames
    ]


def test_a_frame_has_harmless_fields() -> None:
    """A frame made of a type alone is complete."""
    assert make_frame("tick") == StreamFrame(
        id="f0", type="tick", channel="custom", namespace=["custom"], timestamp=START
    )


def test_every_field_can_be_given() -> None:
    """A frame has the fields that it is given."""
    frame = make_frame(
        "tick", id="b", parent="a", previous="a", at_ms=1.5, data={"n": 1}, channel="flow", seq=2
    )
    assert frame_json(frame) == (
        '{"id":"b","seq":2,"type":"tick","channel":"flow","namespace":["flow"],'
        '"timestamp":"2026-01-01T00:00:00.001500Z","parent_id":"a","previous_id":"a","data":{"n":1}}'
    )


def test_a_script_chains_frames_like_the_runtime(golden: Callable[[str], tuple[StreamFrame, ...]]) -> None:
    """The calls of a plain flow give the references of the frames that CrewAI emitted."""
    script = Script()
    script.start("flow_started")
    ended = script.fork()
    ended.emit("default_env")
    worker = ended.fork()
    for _ in range(2):
        worker.start("method_execution_started")
        worker.end("method_execution_finished")
    ended.end("flow_finished")
    assert chain(script.frames) == chain(golden("01_plain_flow"))


def test_ids_and_times_are_fixed() -> None:
    """Each call has the next id and the next moment, in whichever branch it is made."""
    script = Script(step_ms=2)
    script.start("flow_started")
    branch = script.fork()
    branch.emit("tick")
    script.wait(10)
    script.emit("tick")
    assert [(frame.id, frame.seq, frame.timestamp - START) for frame in script.frames] == [
        ("f0", 1, timedelta(0)),
        ("f1", 2, timedelta(milliseconds=2)),
        ("f2", 3, timedelta(milliseconds=14)),
    ]
    assert branch.frames == script.frames


def test_a_script_has_valid_frames() -> None:
    """What a script makes can be written and read."""
    script = Script()
    script.start("flow_started", flow_name="F", inputs={"n": [1, None]})
    script.end("flow_finished")
    assert [parse_frame(frame_json(frame)) for frame in script.frames] == script.frames


def test_an_end_needs_a_scope() -> None:
    """There is nothing to end where nothing was started."""
    with pytest.raises(IndexError):
        Script().end("flow_finished")


def test_assembled_ends_at_the_latest_frame() -> None:
    """Without an outcome a session is complete when its latest frame came."""
    frames = [make_frame("flow_started", id="a", at_ms=3), make_frame("tick", id="b", previous="a")]
    end = assembled(frames)[-1]
    assert getattr(end, "end_ns", None) == START_NS + 3_000_000
