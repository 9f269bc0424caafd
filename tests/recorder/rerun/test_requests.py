"""What a call asked for, in a form that two runs of the same code share."""

from __future__ import annotations

from typing import Any

import pytest

from recorder.rerun.aliases import aliased
from recorder.rerun.requests import model_request, tool_request

FIRST = "0b6a3c1e-8a4f-4d8e-9a51-0c2d3e4f5a6b"
SECOND = "1c7b4d2f-9b5a-4e9f-8b62-1d3e4f5a6b7c"


def ask(text: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 (JSON)
    """The data of a call that says so."""
    return {"model": "gpt", "call_id": FIRST, "messages": [{"role": "user", "content": text}], **more}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("<Task at 0x7f644f90c900>", "<Task at <address 1>>"),
        ([FIRST, SECOND, FIRST], ["<uuid 1>", "<uuid 2>", "<uuid 1>"]),
        ({f"a {FIRST}": "call_140234567890123"}, {"a <uuid 1>": "<call 2>"}),
        (["0xff", "call_7", 7, None, 0.5, True], ["0xff", "call_7", 7, None, 0.5, True]),
    ],
)
def test_ids_and_addresses_get_names(value: object, expected: object) -> None:
    """Equal ones get the same name, and what only looks a little like one stays."""
    assert aliased(value) == expected


def test_the_same_question_has_the_same_digest() -> None:
    """Ids, addresses, and how the answer is delivered are no part of it."""
    first = ask(f"Look at {FIRST}", stream=True, callbacks=["<Handler at 0x7f0000000001>"])
    second = ask(f"Look at {SECOND}", stream=False, callbacks=[])

    assert model_request(first).digest == model_request(second).digest


@pytest.mark.parametrize(
    "other",
    [
        ask("Which coffee?"),
        ask("Which tea?", model="other"),
        ask("Which tea?", temperature=0.5),
        ask("Which tea?", tools=[{"type": "function"}]),
        {**ask("Which tea?"), "messages": [{"role": "system", "content": "Which tea?"}]},
    ],
)
def test_another_question_has_another_digest(other: dict[str, Any]) -> None:
    """One word, one setting or one tool is enough."""
    assert model_request(ask("Which tea?")).digest != model_request(other).digest


def test_a_text_is_a_message_of_the_user() -> None:
    """As every provider takes it."""
    assert model_request({**ask("?"), "messages": "Which tea?"}) == model_request(ask("Which tea?"))


def test_objects_beside_their_json_do_not_count() -> None:
    """Gemini's parts, of which a frame has a `repr`, stand beside the same calls as JSON."""
    message = {"role": "assistant", "content": None, "tool_calls": ["…"]}
    with_parts = {**message, "raw_tool_call_parts": ["Part(…)"]}

    assert (
        model_request({**ask("?"), "messages": [with_parts]}).digest
        == model_request({**ask("?"), "messages": [message]}).digest
    )


def test_a_tool_is_asked_by_name_and_arguments() -> None:
    """And by nothing else of its frame."""
    asked = {"tool_name": "lookup", "tool_args": {"topic": "tea"}}

    assert tool_request({**asked, "agent_id": FIRST}).fields == asked
