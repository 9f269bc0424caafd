"""What a re-execution needs of CrewAI, which no version promises: a new one shall fail here first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import otelstream
import recorder
from otelstream.demo.environment import quiet_environment
from recorder import RerunError

quiet_environment()

from crewai.events.event_bus import crewai_event_bus  # noqa: E402 (after the settings)
from crewai.events.stream_context import add_stream_sink, reset_stream_sinks  # noqa: E402 (after the settings)
from crewai.llms.base_llm import BaseLLM, llm_call_context  # noqa: E402 (after the settings)
from crewai.tools.base_tool import BaseTool  # noqa: E402 (after the settings)

from otelstream.demo.scripted_llm import Say, ScriptedLLM  # noqa: E402 (after the settings)
from recorder.rerun.seam import refusals  # noqa: E402 (after the settings)
from recorder.rerun.seam.answering import Asked, started_event  # noqa: E402 (after the settings)
from tests.recorder.rerun.stage import consume  # noqa: E402 (after the settings)

pytestmark = pytest.mark.crewai

_OF_EACH_EVENT = {"timestamp", "event_id", "previous_event_id", "emission_sequence", "parent_event_id"}


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A call."""
    path = tmp_path_factory.mktemp("helpers") / "call.duckdb"
    consume(otelstream.observe(ScriptedLLM([Say("Green.")]).stream_events("Which tea?"), record=path))
    return path


def test_a_start_is_what_the_base_class_emits() -> None:
    """The event that is compared has all fields as `_emit_call_started_event` fills them."""
    llm = ScriptedLLM(
        [],
        temperature=0.5,
        top_p=0.9,
        max_tokens=7,
        stream=True,
        seed=1,
        stop=["stop"],
        frequency_penalty=0.1,
        presence_penalty=0.2,
        n=2,
    )
    asked = Asked([{"role": "user", "content": "Which tea?"}], tools=[{"type": "function"}], callbacks=["c"])
    emitted: list[Any] = []
    token = add_stream_sink(lambda _, event: emitted.append(event))
    with llm_call_context():
        llm._emit_call_started_event(asked.messages, asked.tools, asked.callbacks)
        made = started_event(llm, asked)
    reset_stream_sinks(token)
    # The scope that the event opened.
    llm._emit_call_failed_event("none")
    crewai_event_bus.flush()

    theirs, ours = (event.model_dump(exclude=_OF_EACH_EVENT) for event in (emitted[0], made))
    assert ours == theirs


def test_every_refusal_has_its_function() -> None:
    """None of them silently refuses nothing; A2A has none without its extra."""
    import importlib

    found = {}
    for module_name, class_name, names, _ in refusals.ROWS:
        try:
            module = importlib.import_module(module_name)
        except ImportError:
            found[module_name] = False
            continue
        owner = vars(module)[class_name] if class_name else module
        found[module_name] = all(name in vars(owner) for name in names)

    assert found == {row[0]: row[0] != "crewai.a2a.utils.delegation" for row in refusals.ROWS}


@pytest.mark.parametrize(
    ("owner", "name"), [(BaseLLM, "_track_token_usage_internal"), (BaseTool, "_claim_usage")]
)
def test_a_version_without_them_is_told(owner: type, name: str, recording: Path) -> None:
    """A rerun on a CrewAI that is too different does not begin, and leaves nothing in place."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(owner, name)
        with (
            pytest.raises(RerunError, match=rf"has other functions than .*{name}"),
            recorder.rerun(recording),
        ):
            pass

    with recorder.rerun(recording):
        assert consume(ScriptedLLM([]).stream_events("Which tea?")).result == "Green."
