"""What is particular to each server of `installed.py`: a row of a table, and how its answers are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from http import HTTPStatus
from typing import Any, Final
from urllib.error import HTTPError

from google.protobuf.json_format import ParseDict  # type: ignore[import-untyped]  # it has no types
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.backends.installed import Backend, Running
from tests.backends.jaeger import until
from tests.e2e.received import ReceivedEvent, ReceivedSpan, spans_in

PROJECT: Final = "otelstream-tests"

EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


def stored(running: Running, trace_id: str, count: int) -> list[ReceivedSpan]:
    """Return a trace of a server as soon as it has so many spans, or whatever it has in the end."""
    return awaited(lambda: running.backend.spans(running, trace_id), count)


def awaited(ask: Callable[[], list[ReceivedSpan]], count: int) -> list[ReceivedSpan]:
    """Ask again and again until there are so many spans; return the last answer."""

    def found() -> list[ReceivedSpan]:
        try:
            return ask()
        except HTTPError as error:
            if error.code == HTTPStatus.NOT_FOUND:  # it knows no such project or trace yet
                return []
            raise

    return until(found, lambda spans: len(spans) >= count)


def phoenix_spans(running: Running, trace_id: str) -> list[ReceivedSpan]:
    """Return a trace of Phoenix; the kinds of its spans are those that it shows."""
    return [span for span in all_phoenix_spans(running) if span.trace_id == trace_id]


def all_phoenix_spans(running: Running) -> list[ReceivedSpan]:
    """Return what Phoenix has in the project, by start and then by id."""
    found = running.ask(f"/v1/projects/{PROJECT}/spans?limit=1000")["data"]
    return sorted(map(_phoenix_span, found), key=lambda span: (span.start_ns, span.span_id))


def mlflow_spans(running: Running, trace_id: str) -> list[ReceivedSpan]:
    """Return a trace of MLflow, which keeps OTLP, but no kinds and no links."""
    trace = running.ask(f"/api/3.0/mlflow/traces/get?trace_id=tr-{trace_id}")["trace"]
    told = {"resource_spans": [{"scope_spans": [{"spans": trace["spans"]}]}]}
    return spans_in([ParseDict(told, ExportTraceServiceRequest())])


def flat(attributes: Mapping[str, object]) -> dict[str, object]:
    """Return attributes as Phoenix spells them: what is nested under names with dots."""
    return dict(_leaves("", attributes))


PHOENIX: Final = Backend(
    name="phoenix",
    megabytes=850,
    arguments=("serve",),
    environment={
        "PHOENIX_WORKING_DIR": "{folder}",
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": "{http}",
        "PHOENIX_GRPC_PORT": "{grpc}",
        "PHOENIX_TELEMETRY_ENABLED": "false",
    },
    ready="/healthz",
    exporting={"OTEL_RESOURCE_ATTRIBUTES": f"openinference.project.name={PROJECT}"},
    precision_ns=1_000,
    spans=phoenix_spans,
    spelled=flat,
)

MLFLOW: Final = Backend(
    name="mlflow",
    megabytes=850,
    arguments=(
        "server",
        "--host=127.0.0.1",
        "--port={http}",
        "--workers=1",
        "--backend-store-uri=sqlite:///{folder}/mlflow.db",
        "--artifacts-destination={folder}/artifacts",
    ),
    environment={"MLFLOW_DISABLE_TELEMETRY": "true"},
    ready="/health",
    exporting={"OTEL_EXPORTER_OTLP_HEADERS": "x-mlflow-experiment-id=0"},
    precision_ns=1,
    spans=mlflow_spans,
    spelled=dict,
)


def _phoenix_span(span: Mapping[str, Any]) -> ReceivedSpan:
    return ReceivedSpan(
        trace_id=span["context"]["trace_id"],
        span_id=span["context"]["span_id"],
        parent_span_id=span["parent_id"] or "",
        name=span["name"],
        kind=span["span_kind"],
        start_ns=_ns(span["start_time"]),
        end_ns=_ns(span["end_time"]),
        attributes={key: _frozen(value) for key, value in span["attributes"].items()},
        events=tuple(
            ReceivedEvent(
                event["name"],
                _ns(event["timestamp"]),
                {key: _frozen(value) for key, value in event["attributes"].items()},
            )
            for event in span["events"]
        ),
        links=(),
        status=span["status_code"],
        status_message=span["status_message"],
        dropped_events=0,
    )


def _ns(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1) * 1_000


def _frozen(value: object) -> object:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def _leaves(prefix: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        parts = {str(key): item for key, item in value.items()}
    elif isinstance(value, tuple) and any(isinstance(item, Mapping) for item in value):
        parts = {str(index): item for index, item in enumerate(value)}
    else:
        yield prefix, value
        return
    for key, item in parts.items():
        yield from _leaves(f"{prefix}.{key}" if prefix else key, item)
