"""A frame as one line for a person."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from otelstream.cli.frameline import frame_line
from otelstream.jsontext import decode_json
from recorder import RecordedSession
from tests.contract.programs import frame
from tests.e2e.runs import golden
from tests.recorder.test_writer import START

SESSION = RecordedSession(0, 0, Path("x.duckdb"), START, None, "recording", 0, 0)
PREFIX = "00:00:00.000  Orders/0001       llm_stream_chunk"


def test_the_lines_of_a_run() -> None:
    """When, which session, what type, and what tells the frame from others of its type."""
    lines = [frame_line(SESSION, each) for each in golden()]

    assert [lines[number] for number in (0, 2, 3, 12)] == [
        "15:42:26.783  Orders/0001       flow_started                F",
        "15:42:26.790  Orders/0001       method_execution_started    F  run_crew",
        "15:42:27.420  Orders/0001       crew_kickoff_started        solo",
        '15:42:28.417  Orders/0001       llm_stream_chunk            "while "',
    ]


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        ({"chunk": "a"}, '"a"'),
        ({"chunk": 'say "a"\n'}, '"say \\"a\\"\\\\n"'),
        ({"chunk": "\x1b[2J\x9b"}, '"\\\\x1b[2J\\\\x9b"'),
        ({"chunk": "é😀"}, '"é😀"'),
        ({"chunk": "", "tool_call": {"id": "t"}}, '{"id": "t"}'),
        ({"tool_name": "search", "tool_args": {"q": "ü"}}, 'search  {"q": "ü"}'),
        ({"error": "x" * 200}, "x" * 99 + "…"),
        ({"model": "\x1b]0;owned\x07"}, "\\x1b]0;owned\\x07"),
        ({"model": "caf\udce9"}, "caf\\udce9"),
        ({"unknown": 1, "model": None, "flow_name": ""}, ""),
    ],
)
def test_what_a_frame_is_about(data: dict[str, Any], shown: str) -> None:
    """Known fields, cut, and with nothing in them that a terminal would obey."""
    assert frame_line(SESSION, frame(data=data)) == f"{PREFIX}            {shown}".rstrip()


def test_a_session_without_a_name() -> None:
    """The end of its id tells it from others."""
    nameless = replace(SESSION, start=replace(START, name=None))

    assert frame_line(nameless, frame(type="x\x1b", data={})) == "00:00:00.000  -/0001            x\\x1b"


def test_a_fact_that_is_nested_deeply() -> None:
    """However deep it is, there is a line for it."""
    nested = decode_json('{"a":' * 3_000 + "1" + "}" * 3_000)

    line = frame_line(SESSION, frame(data={"query": nested}))

    assert line == PREFIX + " " * 12 + ('{"a":' * 20)[:99] + "…"
