"""Frames from lines: what is read, and what is said of a line that is none."""

from __future__ import annotations

import io

import pytest

from otelstream.errors import FrameError
from otelstream.frame import frame_json
from otelstream.source.ndjson import read_frames
from otelstream.testing import make_frame

FRAMES = [make_frame("flow_started", id="a"), make_frame("flow_finished", id="b", previous="a")]
LINES = [frame_json(frame).encode() for frame in FRAMES]


def test_one_frame_per_line() -> None:
    """Lines become frames, in their order, from an open binary file."""
    assert list(read_frames(io.BytesIO(b"\n".join(LINES) + b"\n"), "run.jsonl")) == FRAMES


@pytest.mark.parametrize("empty", [b"\n", b"  \t\n", b"\r\n"])
def test_empty_lines_are_skipped(empty: bytes) -> None:
    """A blank line is nothing, wherever it stands, and so is a Windows line end."""
    lines = [empty, LINES[0] + b"\r\n", empty, LINES[1], empty]
    assert list(read_frames(lines, "run.jsonl")) == FRAMES


def test_no_lines_are_no_frames() -> None:
    """An empty file is no error."""
    assert list(read_frames([], "run.jsonl")) == []


def test_a_bad_line_is_named_with_its_file_and_number() -> None:
    """The error says where the line stands, what is wrong and what to do; empty lines count."""
    with pytest.raises(FrameError) as caught:
        list(read_frames([LINES[0], b"\n", b'{"id":"c"}'], "run.jsonl"))
    assert str(caught.value) == (
        "run.jsonl:3: not a stream frame: type: Field required; correct or remove that line."
    )


def test_the_frames_before_a_bad_line_are_read() -> None:
    """Lines are read one at a time: what came before the bad one has been yielded."""
    frames = read_frames([LINES[0], b"nonsense"], "run.jsonl")
    assert next(frames) == FRAMES[0]
    with pytest.raises(FrameError, match=r"^run\.jsonl:2: not valid JSON"):
        next(frames)
