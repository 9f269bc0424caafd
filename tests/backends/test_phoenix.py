"""What Phoenix makes of our spans: its kinds, tokens, messages, tools, failures and sessions.

The runs are golden ones; `test_stores.py` has the demo.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from otelstream.frame import frame_json
from tests.backends.installed import Running
from tests.backends.stores import PROJECT, all_phoenix_spans, awaited
from tests.e2e.received import ReceivedSpan
from tests.e2e.runs import golden, run_python

pytestmark = [pytest.mark.backend, pytest.mark.timeout(600)]  # such servers start slowly

CREW: Final = "05_crew_two_agents_tools.jsonl.gz"
FAILED: Final = "07_llm_http500.jsonl"
TURNS: Final = ("12_conversation_turn1.jsonl", "12_conversation_turn2.jsonl")
SPANS: Final = {CREW: 16, FAILED: 6, TURNS[0]: 5, TURNS[1]: 4}

TOKENS: Final = ("prompt", "completion", "total")

SHOWING: Final = {
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY",
    "OTELSTREAM_CONTENT_FORM": "json",
}


@dataclass(frozen=True)
class Shown:
    """What Phoenix has of some runs, by the names of their files, and its sessions."""

    runs: Mapping[str, list[ReceivedSpan]]
    sessions: list[dict[str, Any]]


@pytest.fixture(scope="module")
def shown(phoenix: Running, tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """Ingest the runs, with content as JSON text, and read them back."""
    cwd = tmp_path_factory.mktemp("ingest")
    exporting = {**phoenix.variables("http/protobuf"), **SHOWING}
    return Shown(
        {name: ingested(phoenix, name, cwd, exporting) for name in SPANS},
        phoenix.ask(f"/v1/projects/{PROJECT}/sessions")["data"],
    )


def ingested(phoenix: Running, name: str, cwd: Path, exporting: dict[str, str]) -> list[ReceivedSpan]:
    """Export a run from a process of its own; return its spans as Phoenix has them."""
    lines = "\n".join(frame_json(frame) for frame in golden(name))
    run_python(["-m", "otelstream.cli", "ingest", "-"], cwd, exporting, stdin=lines.encode())
    ids = {frame.id for frame in golden(name)}

    def spans() -> list[ReceivedSpan]:
        return [span for span in all_phoenix_spans(phoenix) if span.attributes["crewai.frame.id"] in ids]

    return awaited(spans, SPANS[name])


def of_kind(shown: Shown, run: str, kind: str) -> list[Mapping[str, object]]:
    """Return the attributes of a run's spans that Phoenix shows as that kind, by their start."""
    return [span.attributes for span in shown.runs[run] if span.kind == kind]


def picked(attributes: Mapping[str, object], *keys: str) -> tuple[object, ...]:
    """Return some attributes in that order, None for one that is missing."""
    return tuple(attributes.get(key) for key in keys)


def test_calls_have_kinds(shown: Shown) -> None:
    """Model calls, tools and agents are shown as such; for flows, crews, methods and tasks it has no kind."""
    kinds = {(span.name.split()[0], span.kind) for run in shown.runs.values() for span in run}

    assert kinds == {
        ("invoke_workflow", "UNKNOWN"),
        ("method", "UNKNOWN"),
        ("conversation_turn", "UNKNOWN"),
        ("task", "UNKNOWN"),
        ("invoke_agent", "AGENT"),
        ("chat", "LLM"),
        ("execute_tool", "TOOL"),
    }


def test_model_calls_show_model_and_tokens(shown: Shown) -> None:
    """Its columns of tokens hold what the model said, and no more than its calls."""
    keys = ("llm.model_name", "llm.provider", *(f"llm.token_count.{part}" for part in TOKENS))

    assert [picked(call, *keys) for call in of_kind(shown, CREW, "LLM")] == [
        ("gpt-4o-mini", "openai", 69, 8, 77),
        ("gpt-4o-mini", "openai", 78, 13, 91),
        ("gpt-4o-mini", "openai", 79, 20, 99),
        ("gpt-4o-mini", "openai", 105, 8, 113),
        ("gpt-4o-mini", "openai", 105, 25, 130),
    ]


def test_agents_have_no_tokens(shown: Shown) -> None:
    """Tokens stand at model calls alone, so that a trace's sum counts none twice."""
    everything = [span for span in shown.runs[CREW] if span.kind != "LLM"]

    assert [span.name for span in everything if "token_count" in repr(span.attributes)] == []


def test_messages_are_shown(shown: Shown) -> None:
    """A call has its system message, question, earlier tool call with its result, and its answer."""
    call = of_kind(shown, CREW, "LLM")[1]
    roles = [call.get(f"llm.input_messages.{number}.message.role") for number in range(5)]
    asked = "llm.input_messages.2.message.tool_calls.0.tool_call.function"
    answer = "llm.output_messages.0.message.tool_calls.0.tool_call.function"

    assert (
        roles,
        picked(call, f"{asked}.name", "llm.input_messages.3.message.content", f"{answer}.name"),
    ) == (
        ["system", "user", "assistant", "tool", None],
        ("lookup_fact", "Fact about otel: spans have parents.", "word_count"),
    )


def test_tools_that_a_model_may_call_are_shown(shown: Shown) -> None:
    """The call lists what it offered to the model, with the parameters of each."""
    call = of_kind(shown, CREW, "LLM")[0]
    tools = [json.loads(str(call[f"llm.tools.{number}.tool.json_schema"])) for number in range(2)]

    assert [
        (tool["function"]["name"], [*tool["function"]["parameters"]["properties"]]) for tool in tools
    ] == [
        ("lookup_fact", ["topic"]),
        ("word_count", ["text"]),
    ]


def test_tool_calls_show_what_went_in_and_came_out(shown: Shown) -> None:
    """Name, arguments and result stand where Phoenix looks for them."""
    keys = ("tool.name", "tool.parameters.topic", "tool.parameters.text", "output.value")

    assert [picked(call, *keys) for call in of_kind(shown, CREW, "TOOL")] == [
        ("lookup_fact", "otel", None, '{"result":"Fact about otel: spans have parents."}'),
        ("word_count", None, "OpenTelemetry is a standard", '{"result":"4"}'),
        ("word_count", None, "a b c d", '{"result":"4"}'),
    ]


def test_a_failure_is_one_up_to_the_root(shown: Shown) -> None:
    """A call that the model's server refused fails all that is around it, with the message."""
    failed = [
        (span.name.split()[0], span.status, "500" in span.status_message) for span in shown.runs[FAILED]
    ]

    assert failed == [
        (name, "ERROR", True)
        for name in ("invoke_workflow", "method", "invoke_workflow", "task", "invoke_agent", "chat")
    ]


def test_turns_of_a_conversation_are_one_session(shown: Shown) -> None:
    """Phoenix gathers both traces under the id of the conversation, and sums their tokens."""
    traces = {shown.runs[turn][0].trace_id for turn in TURNS}
    found = [
        ({trace["trace_id"] for trace in session["traces"]}, session["token_count_total"])
        for session in shown.sessions
        if session["session_id"] == "session-1"
    ]

    assert found == [(traces, 72 + 89)]
