"""Recorded runs are started again as they were: what is called, and with what."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from otelstream.bridge.beginnings import Beginnings
from otelstream.bridge.invocations import FlowRun, ModelCall, Turn, UnrepeatableError
from otelstream.errors import EntryPointError
from otelstream.source.entrypoint import EntryPoint
from recorder import RecordedObject


class Tea:
    """A flow that says how it was started."""

    def stream_events(self, inputs: dict[str, Any] | None = None) -> Any:  # noqa: ANN401
        """Return what it was given."""
        return ("stream_events", inputs)

    def astream(self, inputs: dict[str, Any] | None = None) -> Any:  # noqa: ANN401
        """Return what it was given."""
        return ("astream", inputs)

    def stream_turn(self, message: str, *, session_id: str) -> Any:  # noqa: ANN401
        """Return itself, and what it was given."""
        return (self, message, session_id)


class Model:
    """A model that says how it was called."""

    model = "small"

    def call(self, messages: object) -> object:
        """Answer."""

    def stream_events(self, messages: object, **given: object) -> Any:  # noqa: ANN401
        """Return what it was given."""
        return (messages, given)


class Answer(BaseModel):
    """A structured answer."""

    grams: int


def of(found: object) -> Beginnings:
    """Beginnings of what `app:it` names."""
    return Beginnings(EntryPoint("app:it", found))


@pytest.mark.parametrize(
    ("run", "started"),
    [
        (("sync", {"cups": 2}), ("stream_events", {"cups": 2})),
        (("sync", {}), ("stream_events", None)),
        (("async", {"cups": 2}), ("astream", {"cups": 2})),
    ],
)
def test_a_flow_is_given_its_inputs(run: Any, started: Any) -> None:  # noqa: ANN401
    """In the way in which it was consumed."""
    mode, inputs = run

    assert of(Tea).begin(FlowRun("Tea", inputs), mode, None)() == started


def test_each_run_has_a_fresh_flow() -> None:
    """Nothing of one run is left in the next."""
    beginnings = of(Tea)
    one, other = (beginnings.begin(Turn("Tea", name, "Hi", 0), "sync", None)()[0] for name in "ab")

    assert one is not other


def test_turns_of_a_conversation_share_a_flow() -> None:
    """A second turn is said to the flow that the first one was said to."""
    beginnings, first, second = of(Tea), Turn("Tea", "a", "Hi", 0), Turn("Tea", "a", "Tea?", 2)
    flow = beginnings.begin(first, "sync", None)()[0]
    beginnings.ended(first, 2)

    assert beginnings.begin(second, "sync", None)() == (flow, "Tea?", "a")


@pytest.mark.parametrize("messages", [None, 3])
def test_a_turn_after_another_conversation_is_refused(messages: int | None) -> None:
    """The turn before it went on otherwise, or is not the one before it."""
    beginnings, first = of(Tea), Turn("Tea", "a", "Hi", 0)
    beginnings.begin(first, "sync", None)()
    beginnings.ended(first, messages)

    with pytest.raises(UnrepeatableError, match="a later turn of the conversation a"):
        beginnings.begin(Turn("Tea", "a", "Tea?", 2), "sync", None)()


def test_a_turn_without_those_before_it_is_refused() -> None:
    """They may be in a file that was deleted."""
    with pytest.raises(UnrepeatableError, match="the turns before it were not all executed again"):
        of(Tea).begin(Turn("Tea", "a", "Tea?", 2), "sync", None)()


@pytest.mark.parametrize(
    ("result", "expected"), [("three", None), (Answer(grams=3), Answer)], ids=["text", "object"]
)
def test_a_model_is_asked_for_what_it_answered(result: object, expected: object) -> None:
    """The same messages, and the class of the recorded answer."""
    begin = of(Model()).begin(ModelCall("small", "Tea?", None), "sync", result)

    assert begin() == ("Tea?", {"tools": None, "response_model": expected})


def test_an_answer_of_an_unknown_class_is_refused() -> None:
    """Its class is what the call must be given."""
    with pytest.raises(UnrepeatableError, match="its answer was a gone:Answer, which today's code does not"):
        of(Model()).begin(ModelCall("small", "Tea?", None), "sync", RecordedObject("gone:Answer", {}))


@pytest.mark.parametrize(
    ("app", "invocation", "why"),
    [
        (Tea, FlowRun("Milk", {}), "it is a run of the flow Milk, and app:it is Tea"),
        (Tea, ModelCall("small", "Tea?", None), "it is a call of the model small, and app:it is Tea"),
        (Model, FlowRun("Tea", {}), "it is a run of the flow Tea, and app:it is small"),
    ],
)
def test_a_run_of_something_else_is_refused(app: object, invocation: Any, why: str) -> None:  # noqa: ANN401
    """The reason says what it is a run of."""
    with pytest.raises(UnrepeatableError, match=why):
        of(app).begin(invocation, "sync", None)()


def test_what_the_app_is_need_be_found_out_once() -> None:
    """A run of something else is refused before anything is made for it, if one has begun before."""
    beginnings = of(Tea)
    beginnings.begin(FlowRun("Tea", {}), "sync", None)()

    with pytest.raises(UnrepeatableError, match="it is a run of the flow Milk"):
        beginnings.begin(FlowRun("Milk", {}), "sync", None)


def test_one_flow_for_all_runs_is_refused() -> None:
    """Its state would go from one run to the next."""
    with pytest.raises(
        EntryPointError, match="app:it is one flow, and each recorded run needs one of its own"
    ):
        of(Tea())
