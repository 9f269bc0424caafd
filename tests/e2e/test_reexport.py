"""Whatever happened in a session: its recording, sent later, is the trace of its live run, byte for byte."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import otelstream
import recorder
from otelstream.bridge.reexport import export
from otelstream.config import CAPTURE_CONTENT, Settings
from otelstream.export.otlp import FrameProvider
from otelstream.redact import Redactor
from otelstream.span.options import SpanOptions
from recorder import StreamSession
from tests.e2e.runs import CREW, GOLDEN, golden, run_async, run_sync, session

Live = StreamSession[object]
Consume = Callable[[Live], object]


def provider_with(exporter: InMemorySpanExporter) -> TracerProvider:
    """Return a provider with derived ids, whose spans end up in memory."""
    return FrameProvider(SimpleSpanProcessor(exporter), {})


def sent(exporter: InMemorySpanExporter) -> bytes:
    """Return the spans as they go over the wire."""
    data: bytes = encode_spans(exporter.get_finished_spans()).SerializeToString()
    return data


def sent_again(path: Path, options: SpanOptions | None = None) -> bytes:
    """Return the spans of the one session of a recording as they go over the wire."""
    exporter = InMemorySpanExporter()
    with recorder.open(path) as recording:
        export(recording, recording.session(), provider_with(exporter), options or SpanOptions(), Redactor())
    return sent(exporter)


@pytest.mark.parametrize("name", sorted(path.name for path in GOLDEN.iterdir()))
def test_every_kind_of_run_is_the_same_again(name: str, tmp_path: Path) -> None:
    """Each golden stream makes the same bytes live and from its recording."""
    exporter = InMemorySpanExporter()
    live = session(golden(name))
    list(otelstream.observe(live, record=tmp_path / "x.duckdb", tracer_provider=provider_with(exporter)))

    assert sent_again(tmp_path / "x.duckdb") == sent(exporter) != b""


def fails(live: Live) -> None:
    """Consume a session that raises."""
    with pytest.raises(LookupError):
        list(live)


def leaves(live: Live) -> None:
    """Consume a part of a session, and close it."""
    frames = iter(live)
    for _ in range(20):
        next(frames)
    live.close()


@pytest.mark.parametrize(("error", "consume"), [(LookupError("no tea"), fails), (None, leaves)])
def test_every_end_is_the_same_again(error: Exception | None, consume: Consume, tmp_path: Path) -> None:
    """So does a run that failed, and one that was closed early."""
    exporter = InMemorySpanExporter()
    consume(
        otelstream.observe(
            session(error=error), record=tmp_path / "x.duckdb", tracer_provider=provider_with(exporter)
        )
    )

    assert sent_again(tmp_path / "x.duckdb") == sent(exporter)


def test_an_asynchronous_run_is_the_same_again(tmp_path: Path) -> None:
    """How the program consumed its frames makes no difference."""
    exporter = InMemorySpanExporter()
    run_async({"record": tmp_path / "x.duckdb", "tracer_provider": provider_with(exporter)})

    assert sent_again(tmp_path / "x.duckdb") == sent(exporter)


@pytest.mark.parametrize(
    "environ",
    [
        {"OTELSTREAM_CHUNK_EVENTS": "all"},
        {"OTELSTREAM_CHUNK_EVENTS": "off"},
        {"OTELSTREAM_INTERNAL_FLOWS": "keep"},
        {CAPTURE_CONTENT: "SPAN_ONLY", "OTELSTREAM_CONTENT_FORM": "json"},
    ],
)
def test_every_setting_is_the_same_again(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same parameters the spans are the same, whatever the parameters are."""
    for variable, value in environ.items():
        monkeypatch.setenv(variable, value)
    exporter = InMemorySpanExporter()
    run_sync({"record": tmp_path / "x.duckdb", "tracer_provider": provider_with(exporter)})
    settings, _ = Settings.from_environ(environ)
    options = settings.span_options()

    assert sent_again(tmp_path / "x.duckdb", options) == sent(exporter)


def test_a_recording_that_was_moved_is_the_same_again(tmp_path: Path) -> None:
    """The root keeps the path under which the session was recorded."""
    exporter = InMemorySpanExporter()
    run_sync({"record": tmp_path / "x.duckdb", "tracer_provider": provider_with(exporter)})
    moved = (tmp_path / "x.duckdb").rename(tmp_path / "y.duckdb")

    assert sent_again(moved) == sent(exporter)


def test_two_runs_are_two_traces(tmp_path: Path) -> None:
    """Ids are derived from frames, so other frames make another trace."""
    traces = set()
    for name in (CREW, "01_plain_flow.jsonl"):
        exporter = InMemorySpanExporter()
        list(otelstream.observe(session(golden(name)), tracer_provider=provider_with(exporter)))
        traces |= {span.context.trace_id for span in exporter.get_finished_spans() if span.context}

    assert len(traces) == 2


@pytest.mark.parametrize(
    "names",
    [
        ("12_conversation_turn1.jsonl", "12_conversation_turn2.jsonl"),
        ("13_feedback_pending.jsonl", "13_feedback_resume.jsonl"),
        ("33_checkpoint_run.jsonl", "33b_checkpoint_restore.jsonl"),
    ],
    ids=["next turn", "resumed", "restored"],
)
def test_links_between_runs_are_the_same_again(names: tuple[str, str], tmp_path: Path) -> None:
    """A run that continues another one of the same recording links to it live and when it is sent later."""
    live, again = InMemorySpanExporter(), InMemorySpanExporter()
    provider = provider_with(live)
    for name in names:
        observed = session(golden(name))
        list(otelstream.observe(observed, record=tmp_path / "x.duckdb", tracer_provider=provider))
    with recorder.open(tmp_path / "x.duckdb") as recording:
        for recorded in recording.sessions():
            export(recording, recorded, provider_with(again), SpanOptions(), Redactor())

    assert sent(again) == sent(live)
