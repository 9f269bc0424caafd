"""Why a span failed: a type of few values and a message."""

from __future__ import annotations

import pytest

from otelstream.frame import Outcome
from otelstream.span.failures import error_of, error_of_outcome, failure_of
from otelstream.span.model import SpanError
from otelstream.span.rules import PAIRS, rule_for
from otelstream.span.tree import tree_of
from otelstream.testing import Script, assembled


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"error": "no such file"}, SpanError("_OTHER", "no such file")),
        ({"error": "no", "error_type": "ValueError"}, SpanError("ValueError", "no")),
        ({"error": "no", "error_type": "my.module:MyError"}, SpanError("my.module:MyError", "no")),
        (
            {"error": "no", "error_type": "<class 'openai.InternalServerError'>"},
            SpanError("openai.InternalServerError", "no"),
        ),
        (
            {"error": "no", "error_type": "<class 'app.run.<locals>.Bad'>"},
            SpanError("app.run.<locals>.Bad", "no"),
        ),
        ({"error": "no", "error_type": "a sentence, no type"}, SpanError("_OTHER", "no")),
        (
            {"tool_name": "explode", "error": "RuntimeError('tool exploded: test')"},
            SpanError("RuntimeError", "RuntimeError('tool exploded: test')"),
        ),
        ({"tool_name": "explode", "error": "it broke"}, SpanError("_OTHER", "it broke")),
        ({"error": "RuntimeError('in a method')"}, SpanError("_OTHER", "RuntimeError('in a method')")),
        ({}, SpanError("_OTHER", "failed")),
        ({"error": None, "error_type": None}, SpanError("_OTHER", "failed")),
        ({"error": {"message": "no"}}, SpanError("_OTHER", "failed")),
    ],
)
def test_an_error_has_a_type_and_a_message(data: dict[str, object], expected: SpanError) -> None:
    """The type is a class where the frame names one, and never a sentence."""
    assert error_of(data) == expected


HTTP = "OpenAI API call failed: Error code: 429 - {'error': {'message': 'Slow down.'}}"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"call_id": "c", "error": HTTP}, "429"),
        ({"call_id": "c", "error": "Error code: 503"}, "503"),
        ({"call_id": "c", "error": "Error code: 200"}, "_OTHER"),
        ({"call_id": "c", "error": "Error code: 4290"}, "_OTHER"),
        ({"call_id": "c", "error": "status 500"}, "_OTHER"),
        ({"call_id": "c", "error": HTTP, "error_type": "RateLimitError"}, "RateLimitError"),
        ({"error": HTTP}, "_OTHER"),
    ],
)
def test_a_failed_call_has_its_status(data: dict[str, object], expected: str) -> None:
    """A model call's failure has the HTTP status as its type, where the text tells one as clients do."""
    assert error_of(data).type == expected


@pytest.mark.parametrize(
    ("message", "expected"),
    [("it said: no such file", "OSError"), ("no such file", "OSError"), ("something else", "_OTHER")],
)
def test_a_failure_has_the_type_of_the_one_beneath(message: str, expected: str) -> None:
    """A text that holds that of a failure beneath is told by it; any other is not."""
    assert error_of({"error": message}, SpanError("OSError", "no such file")) == SpanError(expected, message)


def test_a_declared_type_comes_first() -> None:
    """What a frame says of itself is not replaced by what was beneath."""
    beneath = SpanError("OSError", "no")
    assert error_of({"error": "no", "error_type": "ValueError"}, beneath) == SpanError("ValueError", "no")


def failing(message: str) -> list[str | None]:
    """The error types from the root down, of a flow whose method's tool fails; the flow says that message."""
    script = Script()
    script.start("flow_started")
    script.start("method_execution_started")
    script.start("tool_usage_started", tool_name="t")
    script.end("tool_usage_error", tool_name="t", error="OSError('disk')")
    script.end("method_execution_failed", error="while saving: OSError('disk')")
    script.end("flow_failed", error=message)
    root = tree_of(assembled(script.frames))
    assert root is not None
    return [node.error.type if node.error else None for node in root.walk()]


def test_a_failure_is_told_up_to_the_root() -> None:
    """A type that one frame knows is on each span whose message repeats it."""
    assert failing("while saving: OSError('disk')") == ["OSError", "OSError", "OSError"]


def test_another_failure_is_its_own() -> None:
    """A span that failed for another reason does not take the type of what failed in it before."""
    assert failing("out of memory") == ["_OTHER", "OSError", "OSError"]


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome("completed", 0), None),
        (Outcome("cancelled", 0), None),
        (Outcome("failed", 0, "app.Bad", "no"), SpanError("app.Bad", "no")),
        (Outcome("failed", 0), SpanError("_OTHER", "the run failed")),
        (Outcome("failed", 0, "", ""), SpanError("_OTHER", "the run failed")),
        (Outcome("cut", 0), SpanError("cut", "the recording ends here: the process died")),
    ],
)
def test_an_outcome_may_be_an_error(outcome: Outcome, expected: SpanError | None) -> None:
    """A failed or a cut session is one; a completed or a cancelled one is none."""
    assert error_of_outcome(outcome) == expected


@pytest.mark.parametrize(
    ("start", "data", "failed"),
    [
        ("plan_step_started", {"success": False}, True),
        ("plan_step_started", {"success": True}, False),
        ("plan_step_started", {}, False),
        ("a2a_delegation_started", {"status": "failed"}, True),
        ("a2a_delegation_started", {"status": "completed"}, False),
        ("flow_started", {"success": False}, False),
    ],
)
def test_a_field_may_declare_a_failure(start: str, data: dict[str, object], failed: bool) -> None:
    """Where no type does, a field of the end says that it failed."""
    (pair,) = [pair for pair in PAIRS if pair.start == start]
    assert (failure_of(rule_for(pair.ends[0]), data) is not None) is failed


def test_a_tool_that_reports_a_failure_has_failed() -> None:
    """A tool may be finished and have failed: its reason is the type, whatever its own code."""
    data = {"output": "no", "failure": {"reason": "unknown_tool", "code": "x 7", "message": "no such tool"}}
    assert failure_of(rule_for("tool_usage_finished"), data) == SpanError("unknown_tool", "no such tool")


def test_arguments_that_pydantic_quotes_are_left_out() -> None:
    """A message says what was wrong with the arguments, and not what they were."""
    told = "1 validation error: x [type=missing, input_value={'prompt': 'secret plan'}, input_type=dict]"
    assert error_of({"error": told}).message == (
        "1 validation error: x [type=missing, input_value=..., input_type=dict]"
    )


def test_a_short_word_does_not_tell_of_a_failure_beneath() -> None:
    """The type of a failure beneath is not taken over because its text is a word of another text."""
    beneath = SpanError("timeout", "no")
    assert error_of({"error": "cannot connect: no route"}, beneath).type == "_OTHER"
