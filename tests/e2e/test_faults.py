"""What goes wrong on the way out changes nothing for the observed program, is counted, and is said once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import pytest
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

import otelstream
from otelstream.bridge import Redact
from tests.e2e.runs import RESULT, Ran, Run, golden, run_async, run_sync


class RaisesOnStart(SpanProcessor):
    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        raise ValueError("on_start is broken")


class RaisesOnEnd(SpanProcessor):
    def on_end(self, span: ReadableSpan) -> None:
        raise ValueError("on_end is broken")


class RaisingExporter(SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        raise ValueError("the exporter is broken")


def cannot_redact(text: str) -> NoReturn:
    """Fail as a redaction of the program's own may."""
    raise ValueError(f"the redaction is broken: {text}")


@dataclass(frozen=True)
class Fault:
    """One thing that is broken.

    Attributes:
        processor: What stands in the way of spans.
        record: Where the recording shall go, beneath the test's directory unless it is absolute.
        redact: The redaction.
        variables: Environment variables.
        reasons: Under which names `losses()` must count something.
    """

    processor: SpanProcessor | None = None
    record: str | None = None
    redact: Redact = True
    variables: Mapping[str, str] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()


CLOSED = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_TIMEOUT": "0.2"}

FAULTS: dict[str, Fault] = {
    "a processor raises in on_start": Fault(processor=RaisesOnStart(), reasons=("spans",)),
    "a processor raises in on_end": Fault(processor=RaisesOnEnd(), reasons=("spans",)),
    # OpenTelemetry's processors keep to themselves what an exporter raises: there is nothing to count.
    "an exporter raises": Fault(processor=SimpleSpanProcessor(RaisingExporter())),
    "the collector's port is closed": Fault(variables=CLOSED, reasons=("export",)),
    "the place cannot be written": Fault(record="/proc/otelstream/x.duckdb", reasons=("recording",)),
    "the parent is a file": Fault(record="notes.txt/x.duckdb", reasons=("recording",)),
    "the directory is a file": Fault(record="notes.txt/", reasons=("recording",)),
    "the file is no recording": Fault(record="notes.txt", reasons=("recording",)),
    "the redaction raises": Fault(record="x.duckdb", redact=cannot_redact, reasons=("redaction",)),
    "the protocol does not exist": Fault(
        variables={**CLOSED, "OTEL_EXPORTER_OTLP_PROTOCOL": "nonsense"}, reasons=("export",)
    ),
    "a setting is misspelt": Fault(record="x.duckdb", variables={"OTELSTREAM_CHUNK_EVENTS": "nonsense"}),
}


def cases(*but: str) -> list[str]:
    """Return the names of the faults, some left out."""
    return [name for name in FAULTS if name not in but]


@pytest.fixture
def options(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_process: None
) -> dict[str, Any]:
    """The arguments of `observe` that run into the fault."""
    broken = FAULTS[fault]
    (tmp_path / "notes.txt").write_text("a text\n")
    for name, value in broken.variables.items():
        monkeypatch.setenv(name, value)
    provider = TracerProvider(shutdown_on_exit=False)
    if broken.processor is not None:
        provider.add_span_processor(broken.processor)
    return {
        "redact": broken.redact,
        **({} if broken.record is None else {"record": tmp_path / broken.record}),
        **({} if broken.processor is None else {"tracer_provider": provider}),
    }


@pytest.mark.parametrize("run", [run_sync, run_async])
@pytest.mark.parametrize("fault", cases())
def test_a_healthy_run_stays_as_it_is(options: dict[str, Any], run: Run) -> None:
    """The program gets its frames and its result."""
    assert run(options, None) == Ran(golden(), RESULT)


@pytest.mark.parametrize("run", [run_sync, run_async])
@pytest.mark.parametrize("fault", cases())
def test_a_failing_run_fails_as_it_would(options: dict[str, Any], run: Run) -> None:
    """The program gets its frames and its own exception, the very object that was raised."""
    error = LookupError("the flow's own")

    assert run(options, error) == Ran(golden(), error=error)


@pytest.mark.parametrize("fault", cases())
def test_what_is_lost_is_counted(fault: str, options: dict[str, Any]) -> None:
    """`losses()` names the reason, and no other."""
    run_sync(options)
    otelstream.flush(5)

    assert tuple(otelstream.losses()) == FAULTS[fault].reasons


@pytest.mark.parametrize("fault", cases("an exporter raises"))
def test_it_is_said_once(options: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    """Two runs into the same fault log one warning."""
    run_sync(options)
    run_sync(options)
    otelstream.flush(5)

    said = [(record.name, record.levelname) for record in caplog.records if record.name == "otelstream"]
    assert said == [("otelstream", "WARNING")]


@pytest.mark.parametrize(
    "fault",
    ["the collector's port is closed", "the place cannot be written", "the protocol does not exist"],
)
def test_flush_tells_of_a_failure(options: dict[str, Any]) -> None:
    """`flush` returns False where spans or frames did not get where they should."""
    run_sync(options)

    assert otelstream.flush(5) is False


@pytest.mark.parametrize("fault", ["a processor raises in on_end"])
def test_the_other_sink_gets_everything(options: dict[str, Any], tmp_path: Path) -> None:
    """Where spans are lost, the recording is complete all the same."""
    run_sync({**options, "record": tmp_path / "x.duckdb"})

    assert otelstream.losses().get("recording", 0) == 0


@pytest.mark.parametrize("fault", ["the file is no recording"])
def test_a_foreign_file_stays_as_it_is(options: dict[str, Any], tmp_path: Path) -> None:
    """A file that is no recording is not overwritten."""
    run_sync(options)

    assert (tmp_path / "notes.txt").read_text() == "a text\n"
