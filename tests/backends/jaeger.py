"""Traces as Jaeger's query API gives them back: OTLP in JSON, where ids are hex."""

from __future__ import annotations

import base64
import time
import urllib.error
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, TypeVar

from google.protobuf.json_format import ParseDict  # type: ignore[import-untyped]  # it has no types
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.backends.servers import Server
from tests.e2e.received import ReceivedSpan, spans_in

PAGE: Final = "0.0.0.0:16686"
"""Where its configuration has the page and the API."""

WAIT_S: Final = 20.0

_IDS: Final = {"traceId", "spanId", "parentSpanId"}

Answer = TypeVar("Answer")


def trace_of(jaeger: Server, trace_id: str, count: int) -> list[ReceivedSpan]:
    """Return a trace's spans by their start, as soon as there are so many of them."""
    return until(lambda: _spans(jaeger, trace_id), lambda spans: len(spans) >= count)


def by_event_name(spans: list[ReceivedSpan]) -> list[ReceivedSpan]:
    """Return spans with their events in the order that Jaeger's API gives them: by name, not by time."""
    return [
        replace(span, events=tuple(sorted(span.events, key=lambda event: (event.name, event.time_ns))))
        for span in spans
    ]


def until(ask: Callable[[], Answer], enough: Callable[[Answer], bool]) -> Answer:
    """Ask again and again for some seconds, until the answer is enough; return the last one."""
    end = time.monotonic() + WAIT_S
    while not enough(answer := ask()) and time.monotonic() < end:
        time.sleep(0.1)
    return answer


def _spans(jaeger: Server, trace_id: str) -> list[ReceivedSpan]:
    try:
        answer = jaeger.get(PAGE, f"/api/v3/traces/{trace_id}")
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return []  # it has none of its spans yet
        raise
    return spans_in([ParseDict(_with_base64_ids(answer["result"]), ExportTraceServiceRequest())])


def _with_base64_ids(value: Any) -> Any:  # noqa: ANN401  JSON
    if isinstance(value, list):
        return [_with_base64_ids(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: _base64(item) if key in _IDS else _with_base64_ids(item) for key, item in value.items()}


def _base64(hexadecimal: str) -> str:
    return base64.b64encode(bytes.fromhex(hexadecimal)).decode()
