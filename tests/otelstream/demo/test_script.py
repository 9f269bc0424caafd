"""What a script hands out, with no CrewAI loaded."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from otelstream.demo.script import (
    CallTool,
    Chunk,
    Fail,
    Reply,
    Say,
    Script,
    ScriptExhaustedError,
    Think,
    Turn,
)


@pytest.mark.parametrize("text", ["", "one", "two words", " spaces  and\nlines \n", "   "])
def test_the_words_of_a_text_join_to_the_text(text: str) -> None:
    """Streaming changes no character of an answer."""
    assert "".join(chunk.text for chunk in Reply(Say(text), "r").chunks()) == text


def test_a_text_is_cut_after_each_word() -> None:
    """A chunk is one word with the space behind it."""
    assert list(Reply(Say("one two three"), "r").chunks()) == [Chunk("one "), Chunk("two "), Chunk("three")]


def test_a_tool_call_is_streamed_as_openai_streams_it() -> None:
    """First the name with empty arguments, then pieces, each with all that was received so far."""
    chunks = list(Reply(CallTool("add", {"left": 1, "right": 2}), "r").chunks())

    received = [(chunk.text, (chunk.tool_call or {})["function"]) for chunk in chunks]
    assert received == [
        ("", {"name": "add", "arguments": ""}),
        ('{"left": 1, ', {"name": "add", "arguments": '{"left": 1, '}),
        ('"right": 2}', {"name": "add", "arguments": '{"left": 1, "right": 2}'}),
    ]


def test_several_tool_calls_of_one_turn_are_told_apart() -> None:
    """Calls of one turn have their own index and their own id."""
    first, second = Reply((CallTool("a", {}), CallTool("b", {})), "r").tool_calls()

    assert (first["index"], second["index"]) == (0, 1)
    assert first["id"] != second["id"]


def test_a_failing_turn_says_first_what_it_has_to_say() -> None:
    """A stream can break after some words."""
    assert list(Reply(Fail(ValueError("no"), said="but "), "r").chunks()) == [Chunk("but ")]


def test_a_thinking_turn_thinks_before_it_speaks() -> None:
    """Thoughts are chunks of their own, and no part of the answer."""
    reply = Reply(Think("why not", "yes"), "r")

    assert (reply.text, list(reply.chunks())) == (
        "yes",
        [Chunk("why ", is_thought=True), Chunk("not", is_thought=True), Chunk("yes")],
    )


def test_the_same_script_gives_the_same_ids() -> None:
    """Response ids depend on model, position and turn, not on the run."""
    turns: list[Turn] = [Say("a"), Say("a")]
    one, other = Script("m", turns), Script("m", turns)
    ids = [one.take().response_id, one.take().response_id]

    assert ids == [other.take().response_id, other.take().response_id]
    assert ids[0] != ids[1]


def test_an_exhausted_script_says_how_many_turns_it_had() -> None:
    """The error tells what to change."""
    script = Script("m", [Say("only")])
    script.take()

    with pytest.raises(ScriptExhaustedError, match=r"The script of 'm' has 1 turn\(s\)"):
        script.take()


def test_threads_share_the_turns() -> None:
    """Whatever the threads do, every turn is taken once."""
    turns = [Say(str(number)) for number in range(200)]
    script = Script("m", turns)

    with ThreadPoolExecutor(8) as pool:
        taken = [future.result().text for future in [pool.submit(script.take) for _ in turns]]

    assert sorted(taken, key=int) == [turn.text for turn in turns]
