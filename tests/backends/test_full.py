"""The demo, as a person runs it, through the Collector into Jaeger and Prometheus, as we configure them."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pytest

from tests.backends.jaeger import PAGE, by_event_name, trace_of, until
from tests.backends.stack import Stack, counters, running_stack, troubles
from tests.e2e.received import ReceivedSpan, outline, spans_of
from tests.e2e.runs import run_python
from tests.e2e.test_demo_trace import TREE

pytestmark = [pytest.mark.backend, pytest.mark.crewai]

RESOURCE: Final = {
    "OTEL_SERVICE_NAME": "demo",
    "OTEL_RESOURCE_ATTRIBUTES": "service.namespace=shop,service.instance.id=one",
}
CALLS: Final = "gen_ai_client_operation_duration_seconds"


@dataclass(frozen=True, slots=True)
class Demo:
    """The stack that the demo was sent to, and how the demo ended."""

    stack: Stack
    ran: subprocess.CompletedProcess[bytes]
    spans: list[ReceivedSpan]
    began_s: float

    @property
    def read_back(self) -> list[ReceivedSpan]:
        """The trace as Jaeger has it."""
        return trace_of(self.stack.jaeger, self.spans[0].trace_id, len(TREE))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Start everything and run the demo, until its spans and its metrics have arrived."""
    folder, began_s = tmp_path_factory.mktemp("full"), time.time()
    with running_stack(folder) as stack:
        variables = {**stack.collector.variables("http/protobuf"), **RESOURCE}
        ran = run_python(["-m", "otelstream.cli", "demo", "--delay", "0"], folder, variables, timeout_s=240)
        spans = until(lambda: spans_of(stack.tempo), lambda spans: len(spans) >= len(TREE))
        until(lambda: stack.vector(f"{CALLS}_count", "job"), bool)
        yield Demo(stack, ran, spans, began_s)


def test_the_demo_succeeds(demo: Demo) -> None:
    """It exits with 0 and has no complaint about where it sends to."""
    assert (demo.ran.returncode, demo.ran.stderr) == (0, b"")


def test_jaeger_shows_the_tree_of_the_run(demo: Demo) -> None:
    """Read back through its API, the trace is that of the demo."""
    assert outline(demo.read_back) == TREE


def test_jaeger_has_every_span_as_it_was_sent(demo: Demo) -> None:
    """Ids, times, kinds, statuses, attributes, events and links are those that Tempo is sent."""
    assert by_event_name(demo.read_back) == by_event_name(demo.spans)


def test_jaeger_offers_the_program_and_nothing_else(demo: Demo) -> None:
    """Whoever opens its page finds the run by the program's name, and no traces of Jaeger itself."""
    assert demo.read_back
    assert demo.stack.jaeger.get(PAGE, "/api/services")["data"] == ["demo"]


def test_metrics_have_the_names_that_dashboards_ask_for(demo: Demo) -> None:
    """Prometheus adds units and `_total`, and has underscores for dots."""
    names = demo.stack.asked("label/__name__/values")
    ours = [name for name in names if name.startswith(("gen_ai", "otelstream"))]

    assert [name for name in ours if not name.endswith(("_bucket", "_sum"))] == [
        "gen_ai_client_operation_duration_seconds_count",
        "gen_ai_client_operation_time_per_output_chunk_seconds_count",
        "gen_ai_client_operation_time_to_first_chunk_seconds_count",
        "gen_ai_client_token_usage_count",
        "gen_ai_execute_tool_duration_seconds_count",
        "gen_ai_invoke_agent_duration_seconds_count",
        "gen_ai_invoke_agent_inference_calls_count",
        "gen_ai_invoke_agent_tool_calls_count",
        "gen_ai_invoke_workflow_duration_seconds_count",
        "otelstream_commit_duration_seconds_count",
        "otelstream_frames_total",
        "otelstream_queue_depth",
        "otelstream_run_duration_seconds_count",
        "otelstream_runs_active",
        "otelstream_spans_open",
        "otelstream_stalls_total",
    ]


def test_series_say_whose_they_are(demo: Demo) -> None:
    """`job` is namespace and name of the service, `instance` the id of its instance."""
    series = demo.stack.asked("query", query=f"{CALLS}_count")["result"]

    assert {(one["metric"]["job"], one["metric"]["instance"]) for one in series} == {("shop/demo", "one")}


def test_every_call_is_measured_once(demo: Demo) -> None:
    """The four calls of the demo, by model: what is made of spans elsewhere has other names."""
    query = f"sum by (gen_ai_request_model) ({CALLS}_count)"

    assert demo.stack.vector(query, "gen_ai_request_model") == {"scripted-small": 2, "scripted-large": 2}


def test_an_exemplar_leads_to_the_span(demo: Demo) -> None:
    """Behind each duration stands a call, in the trace that both stores have."""
    found = demo.stack.asked(
        "query_exemplars", query=f"{CALLS}_bucket", start=demo.began_s - 60, end=time.time() + 60
    )
    exemplars = {
        (exemplar["labels"]["trace_id"], exemplar["labels"]["span_id"])
        for series in found
        for exemplar in series["exemplars"]
    }
    calls = {(span.trace_id, span.span_id) for span in demo.spans if span.kind == "CLIENT"}

    assert (bool(exemplars), exemplars - calls) == (True, set())


def test_prometheus_watches_the_stack(demo: Demo) -> None:
    """It asks every service for its metrics: here itself and Jaeger answer, the other ports are nobody's."""
    asked = until(lambda: demo.stack.vector("up", "job"), lambda found: len(found) == 4)

    assert asked == {"prometheus": 1, "jaeger": 1, "otelcol": 0, "tempo": 0}


def test_every_span_goes_to_both_stores(demo: Demo) -> None:
    """The collector has counted each once in and twice out."""
    counted = counters(demo.stack.collector)

    assert (
        counted["otelcol_receiver_accepted_spans_total"],
        counted["otelcol_exporter_sent_spans_total"],
    ) == (len(TREE), 2 * len(TREE))


@pytest.mark.parametrize("service", ["collector", "jaeger"])
def test_nothing_is_refused(demo: Demo, service: str) -> None:
    """The service's own counters tell of nothing that it refused or dropped."""
    assert troubles(getattr(demo.stack, service)) == {}
