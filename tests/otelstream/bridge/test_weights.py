"""What frames weigh: within a factor of two of the truth, whatever stands where, after a short look."""

from __future__ import annotations

from typing import Any, Final

import pytest

from otelstream.bridge.weights import EVERY, FRAME_BYTES, LOOKED_AT, MEASURED_PARTS, TOKENS, Weights, size_of
from otelstream.testing import make_frame

TEXT: Final = "x" * 1_000_000
NUMBERS: Final = list(range(300))
HIDDEN: Final[dict[str, dict[str, Any]]] = {
    "a text before a list": {"text": TEXT, "numbers": NUMBERS},
    "a text behind a list": {"numbers": NUMBERS, "text": TEXT},
    "a text behind many keys": {**{str(number): number for number in range(90)}, "text": TEXT},
    "a text beside a deep list": {"deep": [[[[NUMBERS] * 9] * 9] * 9], "text": TEXT},
    "a text in bytes of four": {"text": "\N{GRINNING FACE}" + TEXT},
    "many messages": {"messages": [{"role": "user", "content": "y" * 5_000} for _ in range(400)]},
    "many messages of parts": {"m": [{"n": 1, "parts": [{"t": "z" * 900}] * 5} for _ in range(400)]},
    "many keys": {str(number): "v" * 90 for number in range(9_000)},
    "a tuple": {"parts": ("w" * 3_000,) * 700},
}


@pytest.mark.parametrize("what", HIDDEN)
def test_a_short_look_finds_what_is_big(what: str) -> None:
    """It is right within a factor of two, which is what the queue is bounded to."""
    looked, right = size_of(HIDDEN[what], LOOKED_AT), size_of(HIDDEN[what], MEASURED_PARTS)

    assert right / 2 < looked < right * 2


def test_a_look_at_everything_counts_texts_and_parts() -> None:
    """Texts weigh what they are long, and each part 40 bytes more."""
    assert size_of({"a": "12345", "b": [1, 2.0, None], "c": b"123"}, MEASURED_PARTS) == 7 * 40 + 8


def test_what_holds_itself_has_a_weight() -> None:
    """The look ends."""
    endless: list[Any] = []
    endless.append(endless)

    assert 0 < size_of(endless, LOOKED_AT) < size_of(endless, 10 * LOOKED_AT)


def test_an_unknown_frame_weighs_something() -> None:
    """However little it holds."""
    assert Weights().of(make_frame("tick")) == FRAME_BYTES


def test_one_big_frame_does_not_make_small_ones_big_for_ever() -> None:
    """What was learnt of a type is halved at each measuring."""
    weights = Weights()
    weights.learn(make_frame("state", data={"text": TEXT}))
    for _ in range(20 * EVERY):
        weights.learn(make_frame("state", data={"text": "small"}))

    assert weights.of(make_frame("state")) == FRAME_BYTES


def test_a_type_that_grows_is_measured_again() -> None:
    """Frames that were small and are not any more weigh what they weigh now."""
    weights = Weights()
    for _ in range(EVERY):
        weights.learn(make_frame("state"))
    weights.learn(make_frame("state", data={"text": TEXT}))

    assert weights.of(make_frame("state")) > len(TEXT)


def test_tokens_that_hold_more_than_a_token_are_found() -> None:
    """Of many that look like tokens one is looked at, and the others weigh as much."""
    weights, frame = Weights(), make_frame("llm_stream_chunk", data={"chunk": "a", "dump": {"text": TEXT}})
    weighed = [weights.of(frame) for _ in range(3 * TOKENS)]

    assert sum(weighed) > 2 * TOKENS * len(TEXT)


def test_tokens_of_a_tool_call_are_looked_at() -> None:
    """Providers repeat all arguments so far in each."""
    tool_call = {"function": {"arguments": TEXT}}
    frame = make_frame("llm_stream_chunk", data={"chunk": "a", "tool_call": tool_call})

    assert Weights().of(frame) > len(TEXT)
