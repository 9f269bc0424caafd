"""What a replay looks like: text of calls with their names, everything else as one line."""

from __future__ import annotations

import io
from typing import Any, Literal

import pytest
from rich.console import Console

from otelstream.cli.screen import Screen
from otelstream.frame import StreamFrame
from otelstream.jsontext import decode_json
from tests.conftest import frames_of
from tests.contract.programs import frame

SECOND = 1_000_000_000


def shown(*frames: StreamFrame, width: int = 240, styled: bool = False) -> str:
    """What is printed for frames that come one a second."""
    file = io.StringIO()
    colors: Literal["standard"] | None = "standard" if styled else None
    screen = Screen(Console(file=file, width=width, force_terminal=styled, color_system=colors))
    for ordinal, each in enumerate(frames):
        screen.show(each, ordinal, ordinal * SECOND)
    screen.end()
    return file.getvalue()


def token(text: str, call: str = "call-a", **fields: Any) -> StreamFrame:  # noqa: ANN401  fields of any type
    """A token of a call."""
    return frame(data={"chunk": text, "call_id": call, "agent_role": "Writer"}, **fields)


def event(type_: str, **data: object) -> StreamFrame:
    """A frame that is no token."""
    return frame(type=type_, data=data)


def test_a_crew() -> None:
    """Tokens flow behind the name of who speaks, and what happens around them is told in lines."""
    lines = shown(*frames_of("04_crew_streaming")).splitlines()

    assert (len(lines), lines[7:11]) == (
        18,
        [
            "    7.000s      7  agent_logs_started          Writer",
            "    8.000s      8  llm_call_started            one  Writer  gpt-4o-mini",
            "Writer dc30: seven a brown while in quick dog spans The lazy telemetry manner ",
            "   21.000s     21  llm_call_completed          one  Writer  gpt-4o-mini",
        ],
    )


def test_two_calls_at_once() -> None:
    """Each speaks on lines of its own, with its name; none is cut up more than it has to be."""
    frames = [token("Hel"), token("Gu", "call-b"), token("lo\n"), token("ten", "call-b"), token("!")]

    assert shown(*frames) == "Writer call: Hello\nWriter call: Guten\nWriter call: !\n"


def test_names_of_calls() -> None:
    """The agent, else the model that the start of the call names, else that it is one; and the call's id."""
    frames = [
        event("llm_call_started", call_id="1234567", model="gpt-4o"),
        frame(data={"chunk": "a\n", "call_id": "1234567"}),
        frame(data={"chunk": "b\n", "call_id": "abcdefg", "agent_role": "Chef"}),
        frame(data={"chunk": "c\n"}),
    ]

    assert shown(*frames).splitlines()[1:] == ["gpt-4o 1234: a", "Chef abcd: b", "call: c"]


def test_a_call_whose_id_is_no_text() -> None:
    """Another runtime may name its calls by anything that JSON has."""
    frames = [frame(data={"chunk": text, "call_id": {"run": 1}}) for text in ("a", "b")]

    assert shown(*frames) == 'call {"ru: ab\n'


@pytest.mark.parametrize("name", ["call_id", "agent_role", "model"])
def test_a_name_that_is_nested_deeply(name: str) -> None:
    """However deep it is, the text is shown."""
    nested = decode_json('{"a":' * 3_000 + "1" + "}" * 3_000)

    assert shown(frame(data={"chunk": "tea", name: nested})).endswith(": tea\n")


def test_thoughts() -> None:
    """They are told from what is said aloud."""
    frames = [
        token("Hm", type="llm_thinking_chunk"),
        token("Yes.\n"),
        event("llm_call_completed", call_id="call-a"),
    ]

    assert shown(*frames).splitlines()[:2] == ["Writer call thinks: Hm", "Writer call: Yes."]


def test_an_event_in_the_middle_of_a_line() -> None:
    """It has its own line; then the call goes on."""
    frames = [token("Hel"), event("tool_usage_started", tool_name="lookup"), token("lo")]

    assert shown(*frames) == (
        "Writer call: Hel\n    1.000s      1  tool_usage_started          lookup\nWriter call: lo\n"
    )


def test_a_tool_call_without_text() -> None:
    """It is an event, and an empty token is nothing."""
    frames = [
        frame(data={"chunk": "", "tool_call": {"function": {"name": "lookup"}}}),
        frame(data={"chunk": "", "tool_call": None}),
    ]

    assert shown(*frames) == (
        '    0.000s      0  llm_stream_chunk            {"function": {"name": "lookup"}}\n'
    )


def test_nothing_moves_the_cursor() -> None:
    """Whatever stands in texts, names and types is shown and not obeyed."""
    frames = [
        frame(data={"chunk": "\x1b[2J\r", "call_id": "\x07abc", "agent_role": "\x1b]0;x"}),
        event("a\x1b[1Ab", flow_name="\n\n"),
    ]

    assert [
        character for character in shown(*frames) if character != "\n" and not character.isprintable()
    ] == []


def test_lines_fit_the_terminal() -> None:
    """An event takes one line, however much it has to say; text is wrapped by the terminal itself."""
    lines = shown(event("a", flow_name="x" * 90), token("y" * 90), width=60, styled=True).splitlines()

    assert (len(lines), [line.count("…") for line in lines]) == (2, [1, 0])


def test_what_is_not_said_aloud_is_dim() -> None:
    """On a terminal; the text stands out."""
    text = shown(event("a"), token("b"), styled=True)

    assert text == "\x1b[2m    0.000s      0  a\x1b[0m\n\x1b[2mWriter call: \x1b[0mb\n"


def test_a_note() -> None:
    """What the player has to say is a dim line, too."""
    file = io.StringIO()
    screen = Screen(Console(file=file, width=240, color_system=None))
    screen.show(token("Hel"), 0, 0)
    screen.line("rate 2")

    assert file.getvalue() == "Writer call: Hel\nrate 2\n"
