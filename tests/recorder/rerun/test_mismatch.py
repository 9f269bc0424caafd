"""What is said of a call that the recording does not hold."""

from __future__ import annotations

from typing import Any

import pytest

from recorder.rerun.calls import CallName, RecordedCall
from recorder.rerun.mismatch import Difference, changed, differences, diverged
from recorder.rerun.requests import Request, model_request

PLACE = ("flow Tea", "method ask")
LIVE = CallName("llm", 3, PLACE)
ADVICE = "If that is intended, record the run again."


def asked(*texts: str, **more: Any) -> Request:  # noqa: ANN401 (JSON)
    """A call with these messages of the user."""
    return model_request({"model": "m", "messages": [{"role": "user", "content": t} for t in texts], **more})


def recorded(number: int, request: Request, place: tuple[str, ...] = PLACE) -> RecordedCall:
    """A recorded call that asked so."""
    return RecordedCall(CallName("llm", number, place), number * 10, request, (), (), ())


def test_the_message_that_differs_is_shown() -> None:
    """As a unified diff of its lines, to the recorded call that is most alike, which is named."""
    calls = [recorded(1, asked("Something else.")), recorded(2, asked("Be brief.", "Which tea?\nHot?"))]

    error = diverged(LIVE, asked("Be brief.", "Which tea?\nCold?"), calls)

    assert str(error) == "\n".join(
        (
            "LLM call 3 (flow Tea > method ask) is not the recorded one: message 2 (user) differs: "
            'recorded {"role": "user", "content": "Which tea?\\nHot?"}, '
            f'now {{"role": "user", "content": "Which tea?\\nCold?"}}. {ADVICE}',
            "--- recorded (LLM call 2 (flow Tea > method ask), frame 20)",
            "+++ now",
            "@@ -1,3 +1,3 @@",
            " user:",
            " Which tea?",
            "-Hot?",
            "+Cold?",
        )
    )
    assert error.frame == 20


def test_a_call_too_many_is_told() -> None:
    """With what it asks."""
    error = diverged(LIVE, asked("Which tea?"), [])

    assert error.sentence == (
        "LLM call 3 (flow Tea > method ask) is not in the recording, which holds no further call of its kind "
        f"there. {ADVICE}"
    )
    assert "Which tea?" in error.difference
    assert error.frame is None


def test_a_call_that_moved_is_told() -> None:
    """The same request elsewhere is named, and not taken."""
    error = diverged(
        LIVE, asked("Which tea?"), [recorded(1, asked("Which tea?"), ("flow Tea", "method order"))]
    )

    assert "The same was asked in LLM call 1 (flow Tea > method order)." in error.sentence


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ({"model": "a"}, {"model": "b"}, Difference("model", "a", "b")),
        ({"messages": [1]}, {"messages": [1, 2]}, Difference("message 2", None, 2)),
        ({"messages": "a"}, {"messages": ["a"]}, Difference("messages", "a", ["a"])),
        (
            {"tool_args": {"a": 1, "b": 2}},
            {"tool_args": {"a": 1, "b": 3}},
            Difference("argument 'b'", 2, 3),
        ),
        ({"tool_args": {"a": 1}}, {"tool_args": {}}, Difference("argument 'a'", 1, None)),
        ({"tools": [{"x": 1}]}, {"tools": [{"x": 2}]}, Difference("tool 1", {"x": 1}, {"x": 2})),
    ],
)
def test_the_first_difference_is_named(before: Any, now: Any, expected: Difference) -> None:  # noqa: ANN401 (JSON)
    """Message by message, argument by argument, tool by tool."""
    assert next(differences(before, now)) == expected


def test_long_values_are_only_in_the_difference() -> None:
    """The sentence stays one that can be read."""
    call = recorded(1, asked("a" * 200))
    error = changed(LIVE, call, call.request.fields, asked("b" * 200).fields)

    assert error.sentence == (
        f"LLM call 3 (flow Tea > method ask) is not the recorded one: message 1 (user) differs. {ADVICE}"
    )
    assert error.difference.count("\n") == 5
