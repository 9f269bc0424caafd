"""The exceptions of recorded calls, made anew from the little that frames say of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from otelstream.testing import Script
from recorder.exceptions import ReplayedError, encode_exception
from recorder.rerun.calls import recorded_calls
from recorder.rerun.failures import Failures


class SourError(Exception):
    """An exception of this program's."""


def of_model(*texts: str, ended_by: Exception | None = None, **later: Any) -> Exception:  # noqa: ANN401 (a frame's data)
    """What a call raises that failed with these texts, in a session that ended so."""
    script = Script()
    script.start("llm_call_started", call_id="1", model="m", messages="?")
    for text in texts:
        script.emit("llm_call_failed", call_id="1", error=text)
    if later:
        script.emit("task_failed", **later)
    ended = None if ended_by is None else json.dumps(encode_exception(ended_by))
    return Failures(script.frames, ended).of_model(recorded_calls(script.frames)[0])


def of_tool(told: str, failure: str | None = None) -> Exception:
    """What a tool raises of which a frame has this `repr`, and another one this text."""
    script = Script()
    script.start("tool_usage_started", tool_name="burn", tool_args={})
    script.end("tool_usage_error", error=told)
    if failure is not None:
        script.emit("tool_failure_detected", tool_name="burn", failure={"message": failure})
    return Failures(script.frames, None).of_tool(recorded_calls(script.frames)[0])


def test_the_session_knows_its_exception() -> None:
    """Where its text fits, class and arguments are those of the exception that ended the session."""
    error = of_model("Scripted call failed: ('too', 'sour')", ended_by=SourError("too", "sour"))

    assert (type(error), error.args) == (SourError, ("too", "sour"))


def test_a_cause_is_as_good() -> None:
    """CrewAI wraps exceptions."""
    outer = RuntimeError("task failed")
    outer.__cause__ = SourError("sour")

    assert type(of_model("Scripted call failed: sour", ended_by=outer)) is SourError


def test_a_later_frame_may_name_the_class() -> None:
    """A failed task does, and the text of its error is that of the exception."""
    error = of_model("API call failed: sour", error_type="builtins:ValueError", error="sour")

    assert repr(error) == "ValueError('sour')"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("OpenAI API call failed: Failed to connect to OpenAI API: no", ConnectionError),
        ("OpenAI API call failed: Model gpt-9 not found: no", ValueError),
        ("Scripted call failed: the kettle is cold", RuntimeError),
    ],
)
def test_the_text_may_tell_the_class(text: str, expected: type[Exception]) -> None:
    """Providers make some exceptions themselves; for the others `BaseLLM.call` has a `RuntimeError`."""
    error = of_model("first", text)

    assert (type(error), str(error)) == (expected, text.partition(" failed: ")[2])


def test_a_status_is_kept() -> None:
    """By it CrewAI tells whether to try again; a class that is not loaded has a stand-in with the text."""
    error: Any = of_model("API call failed: Error code: 418 - {'error': 'teapot'}")

    assert (error.status_code, str(error)) == (418, "Error code: 418 - {'error': 'teapot'}")


@pytest.mark.parametrize(
    ("told", "failure"),
    [
        ("RuntimeError('it does not burn')", None),
        ("KeyError('tea')", "'tea'"),
        ("FileNotFoundError(2, 'No such file')", "[Errno 2] No such file"),
        ("ValueError()", None),
    ],
)
def test_a_builtin_comes_back(told: str, failure: str | None) -> None:
    """Class, arguments and text."""
    error = of_tool(told, failure)

    assert (repr(error), isinstance(error, ReplayedError)) == (told, False)
    assert failure in (None, str(error))


@pytest.mark.parametrize(
    ("told", "failure", "name", "text"),
    [
        ("BitterError(9)", "bitter by 9", "BitterError", "bitter by 9"),
        ("BitterError(9)", None, "BitterError", "9"),
        ("OddError(<Task at 0x7f>)", None, "OddError", "<Task at 0x7f>"),
        ("FileNotFoundError(2, 'No such file')", "[Errno 2] No such file: 'tea'", "FileNotFoundError", None),
    ],
)
def test_others_have_a_stand_in(told: str, failure: str | None, name: str, text: str | None) -> None:
    """With the class's name, the `repr` and the text, which is what the next prompt holds."""
    error = of_tool(told, failure)

    assert isinstance(error, ReplayedError)
    assert (type(error).__name__, repr(error), str(error)) == (name, told, text or failure)


def test_a_function_of_a_model_has_a_sentence_before_it() -> None:
    """It was an exception whose text is the rest."""
    assert repr(of_tool("Error executing function 'weigh': too heavy")) == "RuntimeError('too heavy')"
