"""The demo, run as a person does with `OTEL_*` variables alone, read back from servers that keep traces."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.backends.installed import Running
from tests.backends.stores import stored
from tests.e2e.received import ReceivedSpan, outline, spans_of
from tests.e2e.receiver import HttpReceiver, variables
from tests.e2e.runs import run_python
from tests.e2e.test_demo_trace import TREE

pytestmark = [pytest.mark.backend, pytest.mark.crewai, pytest.mark.timeout(600)]  # such servers start slowly

PATIENCE: Final = {"OTEL_EXPORTER_OTLP_TIMEOUT": "60"}
"""Seconds: the first request to a server may make it load half of itself."""

CONTENT: Final = {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY"}

ROUTES: Final = (("phoenix", "http/protobuf"), ("phoenix", "grpc"), ("mlflow", "http/protobuf"))
"""MLflow has no route over gRPC."""


@dataclass(frozen=True)
class Demo:
    """A run of the demo: what it sent, what was kept of that, and what after its recording was sent again."""

    running: Running
    code: int
    err: bytes
    again_code: int
    sent: list[ReceivedSpan]
    kept: list[ReceivedSpan]
    again: list[ReceivedSpan]


@pytest.fixture(scope="module", params=ROUTES, ids=" ".join)
def demo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """Run the demo, read its trace back, send its recording again, and read the trace again."""
    name, protocol = request.param
    running: Running = request.getfixturevalue(name)
    cwd = tmp_path_factory.mktemp("demo")
    exporting = {**running.variables(protocol), **PATIENCE, **CONTENT}
    ran = run_python(["-m", "otelstream.cli", "demo", "--delay", "0", "--record", "x.duckdb"], cwd, exporting)
    sent = exported(cwd)
    kept = stored(running, sent[0].trace_id, len(sent))
    once_more = run_python(["-m", "otelstream.cli", "export", "otlp", "x.duckdb"], cwd, exporting)
    again = stored(running, sent[0].trace_id, len(sent))
    return Demo(running, ran.returncode, ran.stderr, once_more.returncode, sent, kept, again)


def exported(cwd: Path) -> list[ReceivedSpan]:
    """Return what the recording sends: the same as the run (see `test_demo_trace.py`)."""
    with HttpReceiver() as receiver:
        run_python(
            ["-m", "otelstream.cli", "export", "otlp", "x.duckdb"], cwd, {**variables(receiver), **CONTENT}
        )
        return spans_of(receiver)


def test_the_demo_succeeds(demo: Demo) -> None:
    """It exits with 0 and has no complaint about what it sent to."""
    assert (demo.code, demo.err) == (0, b"")


def test_the_tree_is_that_of_the_run(demo: Demo) -> None:
    """Read back through the server's API, the trace is that of the demo."""
    assert outline(demo.kept) == TREE


def test_spans_are_those_that_were_sent(demo: Demo) -> None:
    """Each has its ids, its parent, its name and its status."""
    kept, sent = (
        {
            (span.trace_id, span.span_id): (span.parent_span_id, span.name, span.status, span.status_message)
            for span in spans
        }
        for spans in (demo.kept, demo.sent)
    )

    assert kept == sent


def test_times_are_those_that_were_sent(demo: Demo) -> None:
    """Spans and events have their times, as exactly as the server keeps any."""
    kept, sent = (
        {
            span.span_id: [span.start_ns, span.end_ns, *(event.time_ns for event in span.events)]
            for span in spans
        }
        for spans in (demo.kept, demo.sent)
    )
    precision = demo.running.backend.precision_ns
    apart = [abs(one - other) for key in sent for one, other in zip(kept[key], sent[key], strict=True)]

    assert max(apart) < precision


def test_attributes_survive(demo: Demo) -> None:
    """The server adds attributes of its own; of ours, content included, all are there with their values."""
    kept = {span.span_id: span.attributes for span in demo.kept}
    spelled = {span.span_id: demo.running.backend.spelled(span.attributes) for span in demo.sent}
    missing = [
        (name, value)
        for key, attributes in spelled.items()
        for name, value in attributes.items()
        if kept[key].get(name) != value
    ]

    assert missing == []


def test_events_survive(demo: Demo) -> None:
    """Token chunks and frames that are no spans are events of their spans, in their order, whole."""
    kept, sent = (
        {span.span_id: [(event.name, event.attributes) for event in span.events] for span in spans}
        for spans in (demo.kept, demo.sent)
    )

    assert kept == sent


def test_the_recording_sent_again_changes_nothing(demo: Demo) -> None:
    """A trace that is there already is neither doubled nor altered."""
    assert (demo.again_code, demo.again) == (0, demo.kept)
