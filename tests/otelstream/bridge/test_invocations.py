"""How a recorded run was started, read from its first frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from otelstream.bridge.invocations import (
    FlowRun,
    Invocation,
    ModelCall,
    Turn,
    UnrepeatableError,
    invocation_of,
)
from otelstream.frame import StreamFrame
from otelstream.testing import Script

Golden = Callable[[str], tuple[StreamFrame, ...]]


def run_with(inputs: Mapping[str, object] | None) -> Invocation:
    """How a flow was started that says that it was given these inputs."""
    script = Script()
    script.start("flow_started", flow_name="Tea", inputs=inputs)
    return invocation_of(script.frames)


def turn_with(content: object) -> Invocation:
    """How a turn was started whose user said this."""
    script = Script()
    script.start("conversation_turn_started", flow_name="Chat", session_id="guest")
    script.emit("conversation_message_added", role="user", content=content, message_index=0)
    return invocation_of(script.frames)


def call_with(**data: object) -> Invocation:
    """How a model was called whose first frame says this."""
    script = Script()
    script.start("llm_call_started", model="small", **data)
    return invocation_of(script.frames)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("01_plain_flow", FlowRun("Plain", {"who": "me"})),
        ("02_router_or_and", FlowRun("Routed", {})),
        ("12_conversation_turn1", Turn("Chat", "session-1", "@@chat@@ hello there friend", 0)),
        ("12_conversation_turn2", Turn("Chat", "session-1", "@@chat@@ and a second turn", 2)),
        (
            "16_llm_stream_events",
            ModelCall("gpt-4o-mini", [{"role": "user", "content": "@@default@@ Explain."}], None),
        ),
    ],
)
def test_a_start_is_read_from_real_frames(name: str, expected: Invocation, golden: Golden) -> None:
    """Flows with their inputs, turns with their message, calls with their prompt."""
    assert invocation_of(golden(name)) == expected


@pytest.mark.parametrize("name", ["13_feedback_resume", "33b_checkpoint_restore"])
def test_a_resumed_run_is_refused(name: str, golden: Golden) -> None:
    """What was before it is not in its session."""
    with pytest.raises(UnrepeatableError, match="only runs from their start are re-executed"):
        invocation_of(golden(name))


def test_deep_inputs_are_read_back() -> None:
    """What CrewAI turned into its `repr`, three levels below the inputs, is what it was."""
    inputs = {"a": {"b": {"c": "{'d': ['x', 1]}", "e": "'REAL'", "f": "None"}}, "l": [["[1.5, True]"]]}

    assert run_with(inputs) == FlowRun(
        "Tea", {"a": {"b": {"c": {"d": ["x", 1]}, "e": "REAL", "f": None}}, "l": [[[1.5, True]]]}
    )


def test_an_object_in_the_inputs_is_refused() -> None:
    """Of a deep object a frame has its `repr` only."""
    with pytest.raises(UnrepeatableError, match=r"of its input 'a\.b\.c' the recording holds only a descr"):
        run_with({"a": {"b": {"c": "<Kettle object>"}}})


@pytest.mark.parametrize(
    ("inputs", "which"),
    [
        ({"key": "REDACTED"}, "its input 'key'"),
        ({"note": "the key is REDACTED, I think"}, "its input 'note'"),
        ({"a": ["x", "REDACTED"]}, r"its input 'a\.1'"),
        ({"a": {"b": {"password": "REDACTED"}}}, r"its input 'a\.b\.password'"),
        ({"a": {"b": {"c": "{'token': 'REDACTED'}"}}}, r"its input 'a\.b\.c'"),
    ],
)
def test_a_masked_input_is_refused(inputs: dict[str, object], which: str) -> None:
    """The reason names the input, wherever in it the secret was."""
    with pytest.raises(UnrepeatableError, match=f"{which} holds a secret that is masked in the recording"):
        run_with(inputs)


def test_a_masked_message_is_refused() -> None:
    """What the user said cannot be said again."""
    with pytest.raises(UnrepeatableError, match="the message of its user holds a secret"):
        turn_with("my key is REDACTED")


def test_a_masked_prompt_is_refused() -> None:
    """Wherever in its messages it is."""
    with pytest.raises(UnrepeatableError, match="its prompt holds a secret"):
        call_with(messages=[{"role": "user", "content": "REDACTED"}])


def test_a_message_that_is_no_text_is_refused() -> None:
    """Parts of images are cut in frames."""
    with pytest.raises(UnrepeatableError, match="the message of its user is no text"):
        turn_with([{"type": "image"}])


def test_a_call_with_functions_is_refused() -> None:
    """A frame holds their names only."""
    with pytest.raises(UnrepeatableError, match="the functions that its call was given"):
        call_with(messages="Which tea?", available_functions={"weigh": "<function weigh>"})


def test_no_frames_are_refused() -> None:
    """An empty session says nothing."""
    with pytest.raises(UnrepeatableError, match="it holds no frame"):
        invocation_of([])


def test_a_start_without_a_name_is_refused() -> None:
    """A frame of somebody else's may lack anything."""
    script = Script()
    script.start("flow_started", inputs={})

    with pytest.raises(UnrepeatableError, match="its first frame, flow_started, has no flow_name"):
        invocation_of(script.frames)
