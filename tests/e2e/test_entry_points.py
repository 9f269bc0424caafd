"""Every entry point that gives a stream session can be observed; nothing else can."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otelstream.demo.environment import quiet_environment

quiet_environment()

from crewai.flow import ConversationConfig  # noqa: E402  after the settings
from crewai.flow.flow import Flow, listen, start  # noqa: E402  after the settings
from crewai.types.streaming import (  # noqa: E402  after the settings
    AsyncStreamSession,
    CrewStreamingOutput,
    StreamFrame,
    StreamSession,
)

import otelstream  # noqa: E402  after the settings
import recorder  # noqa: E402  after the settings
from otelstream.demo.scripted_llm import Say, ScriptedLLM  # noqa: E402  after the settings
from otelstream.frame import frame_json  # noqa: E402  after the settings
from recorder import RecordedSession  # noqa: E402  after the settings
from tests.e2e.received import root_of, spans_of  # noqa: E402  after the settings
from tests.e2e.receiver import HttpReceiver, variables  # noqa: E402  after the settings
from tests.e2e.runs import golden, run_python, session  # noqa: E402  after the settings

pytestmark = pytest.mark.crewai

FLOW = [
    "flow_started",
    "method_execution_started",
    "method_execution_finished",
    "method_execution_started",
    "method_execution_finished",
    "flow_finished",
]
CHAT = ["llm_call_started", "llm_stream_chunk", "llm_stream_chunk", "llm_call_completed"]
TURN = [
    "conversation_turn_started",
    "flow_started",
    "conversation_message_added",
    "method_execution_started",
    "conversation_route_selected",
    "method_execution_finished",
    "method_execution_started",
    *CHAT,
    "conversation_message_added",
    "method_execution_finished",
    "flow_finished",
    "conversation_turn_completed",
]


class Greeting(Flow[dict[str, Any]]):
    """Two methods, and no model."""

    _skip_auto_memory: bool = True

    @start()
    def greet(self) -> str:
        """Say hello."""
        return "hello"

    @listen(greet)
    def shout(self, word: str) -> str:
        """Say it louder."""
        return word.upper()


def chat() -> Any:  # noqa: ANN401  the class is made below, with a model of its own
    """Return a conversational flow that answers once."""
    model = ScriptedLLM([Say("hello there")], model="scripted-chat")

    @ConversationConfig(system_prompt="", llm=model, defer_trace_finalization=False)
    class Chat(Flow[Any]):
        _skip_auto_memory: bool = True

    return Chat()


async def started(session: Any) -> AsyncStreamSession[Any]:  # noqa: ANN401  a session, or what it is awaited from
    """Return the session of an asynchronous entry point."""
    made = session if isinstance(session, AsyncStreamSession) else await session
    assert isinstance(made, AsyncStreamSession)
    return made


@dataclass(frozen=True)
class Entry:
    """One entry point, and what an observed run of it must give.

    Attributes:
        call: Calls it.
        types: The types of its frames.
        result: Its result.
        root: The name of its root span.
        name: The session's name in the recording.
        conversation_id: The session's conversation in the recording.
        odd: The anomalies that its root counts; how many depends on what the process did before.
    """

    call: Callable[[], Any]
    types: list[str]
    result: object
    root: str
    name: str
    conversation_id: str | None = None
    odd: Set[str] = frozenset()


GREETING = (FLOW, "HELLO", "invoke_workflow Greeting", "Greeting")

ENTRIES = {
    "flow.stream_events()": Entry(lambda: Greeting().stream_events(), *GREETING),
    "flow.kickoff() with stream=True": Entry(lambda: Greeting(stream=True).kickoff(), *GREETING),
    "flow.astream()": Entry(lambda: Greeting().astream(), *GREETING),
    "flow.kickoff_async() with stream=True": Entry(lambda: Greeting(stream=True).kickoff_async(), *GREETING),
    "flow.stream_turn()": Entry(
        lambda: chat().stream_turn("hi", session_id="talk-1"),
        TURN,
        "hello there",
        "conversation_turn",
        "Chat",
        "talk-1",
        {"otelstream.anomalies.seq_backwards"},
    ),
    "llm.stream_events()": Entry(
        lambda: ScriptedLLM([Say("hello there")]).stream_events("hi"),
        CHAT,
        "hello there",
        "chat scripted",
        "scripted",
    ),
}


@dataclass(frozen=True)
class Observed:
    """What an observed run of an entry point gave."""

    entry: Entry
    kind: type
    frames: list[StreamFrame]
    result: object
    spans: tuple[ReadableSpan, ...]
    recorded: RecordedSession
    replayed: list[str]


@pytest.fixture(scope="module", params=list(ENTRIES))
def observed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Observed:
    """Each entry point in turn, observed, recorded and consumed to its end."""
    entry = ENTRIES[request.param]
    exporter = InMemorySpanExporter()
    options: dict[str, Any] = {
        "record": tmp_path_factory.mktemp("entry") / "x.duckdb",
        "tracer_provider": provider_with(exporter),
    }
    if "async" in request.param or "astream" in request.param:
        kind, frames, result = asyncio.run(consumed_async(entry, options))
    else:
        live = otelstream.observe(entry.call(), **options)
        frames = list(live)
        kind, result = type(live), live.result
    with recorder.open(options["record"]) as recording:
        stored = recording.session()
        replayed = [frame_json(frame) for frame in recording.frames(stored)]
    return Observed(entry, kind, frames, result, exporter.get_finished_spans(), stored, replayed)


async def consumed_async(entry: Entry, options: dict[str, Any]) -> tuple[type, list[StreamFrame], object]:
    """Observe and consume an asynchronous entry point."""
    live = otelstream.observe(await started(entry.call()), **options)
    return type(live), [frame async for frame in live], live.result


def provider_with(exporter: InMemorySpanExporter) -> TracerProvider:
    """Return a provider whose spans end up in memory."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider


def test_the_session_is_of_crewais_class(observed: Observed) -> None:
    """Observing gives a session of the same class, so that programs can go on asking for it."""
    assert observed.kind in (StreamSession, AsyncStreamSession)


def test_all_frames_come_through(observed: Observed) -> None:
    """The program gets the frames of its run, in their order."""
    types = [frame.type for frame in observed.frames if not frame.type.endswith("_env")]

    assert types == observed.entry.types


def test_the_result_comes_through(observed: Observed) -> None:
    """The program gets the result of its run."""
    assert observed.result == observed.entry.result


def test_all_frames_are_recorded(observed: Observed) -> None:
    """The recording has the same frames, byte for byte: there was no secret in them."""
    assert observed.replayed == [frame_json(frame) for frame in observed.frames]


def test_the_recording_knows_the_session(observed: Observed) -> None:
    """State, name and conversation are those of the run."""
    start, entry = observed.recorded.start, observed.entry

    assert (observed.recorded.state, start.name, start.conversation_id) == (
        "completed",
        entry.name,
        entry.conversation_id,
    )


def test_the_recording_knows_the_kind_of_session(observed: Observed) -> None:
    """Whether it was iterated with `for` or `async for` is recorded."""
    assert observed.recorded.start.mode == ("sync" if observed.kind is StreamSession else "async")


def test_the_trace_has_one_root(observed: Observed) -> None:
    """One span has no parent: it is named after what was run."""
    assert [span.name for span in observed.spans if span.parent is None] == [observed.entry.root]


def test_nothing_of_the_run_is_odd(observed: Observed) -> None:
    """No frame of a healthy run is an anomaly, but that the flow of a turn is numbered anew."""
    (root,) = (span for span in observed.spans if span.parent is None)
    found = root.attributes or {}
    odd = {key for key in found if key.startswith("otelstream.anomalies")}

    assert odd == observed.entry.odd


def test_the_callers_span_is_the_parent() -> None:
    """With a span active where the session is consumed, the root is its child, in its trace."""
    exporter = InMemorySpanExporter()
    provider = provider_with(exporter)
    with provider.get_tracer("caller").start_as_current_span("caller") as caller:
        list(otelstream.observe(Greeting().stream_events(), tracer_provider=provider))
    (root,) = (span for span in exporter.get_finished_spans() if span.name == "invoke_workflow Greeting")

    assert root.parent == caller.get_span_context()


def test_a_later_export_keeps_the_callers_span(tmp_path: Path) -> None:
    """The root of a recording that is sent later hangs beneath the same span of the caller."""
    provider = provider_with(InMemorySpanExporter())
    with provider.get_tracer("caller").start_as_current_span("caller") as caller:
        list(otelstream.observe(session(), tracer_provider=provider, record=tmp_path / "x.duckdb"))
    with HttpReceiver() as receiver:
        run_python(["-m", "otelstream.cli", "export", "otlp", "x.duckdb"], tmp_path, variables(receiver))
        root = root_of(spans_of(receiver))
    context = caller.get_span_context()

    assert (root.trace_id, root.parent_span_id) == (f"{context.trace_id:032x}", f"{context.span_id:016x}")


@pytest.mark.parametrize(
    "thing", [list(golden()), CrewStreamingOutput(sync_iterator=iter(())), None, "text", iter(golden())]
)
def test_nothing_else_can_be_observed(thing: object) -> None:
    """A TypeError says what was given, and where sessions come from."""
    with pytest.raises(TypeError, match=rf"not {type(thing).__name__}; get one from flow\.stream_events\(\)"):
        otelstream.observe(thing)
