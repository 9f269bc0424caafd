"""What MLflow makes of our spans: their types, the tokens of a trace, its state and its previews.

The runs are golden ones; `test_stores.py` has the demo.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import pytest

from otelstream.frame import frame_json
from tests.backends.installed import Running
from tests.backends.stores import stored
from tests.backends.test_phoenix import CREW, FAILED
from tests.e2e.received import ReceivedSpan, spans_of
from tests.e2e.receiver import HttpReceiver, variables
from tests.e2e.runs import golden, run_python

pytestmark = [pytest.mark.backend, pytest.mark.timeout(600)]  # such servers start slowly

SHOWING: Final = {
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY",
    "OTEL_EXPORTER_OTLP_TIMEOUT": "60",  # its first request may make it load half of itself
}

Shown = Mapping[str, tuple[dict[str, Any], list[ReceivedSpan]]]
"""What MLflow tells of the trace of a run, and its spans, by the names of their files."""


@pytest.fixture(scope="module")
def shown(mlflow: Running, tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """Ingest the runs, with content as lists and maps, and read them back."""
    cwd = tmp_path_factory.mktemp("ingest")
    told = {}
    for name in (CREW, FAILED):
        lines = "\n".join(frame_json(frame) for frame in golden(name)).encode()
        command = ["-m", "otelstream.cli", "ingest", "-"]
        run_python(command, cwd, {**mlflow.variables("http/protobuf"), **SHOWING}, stdin=lines)
        with HttpReceiver() as receiver:
            run_python(command, cwd, variables(receiver), stdin=lines)
            sent = spans_of(receiver)
        trace_id = sent[0].trace_id
        spans = stored(mlflow, trace_id, len(sent))
        trace = mlflow.ask(f"/api/3.0/mlflow/traces/get?trace_id=tr-{trace_id}")["trace"]
        told[name] = (trace["trace_info"], spans)
    return told


def test_calls_have_types(shown: Shown) -> None:
    """Model calls, tools and agents are shown as such; flows, crews, methods and tasks have no type."""
    _, spans = shown[CREW]

    assert {(span.name.split()[0], span.attributes.get("mlflow.spanType")) for span in spans} == {
        ("invoke_workflow", None),
        ("method", None),
        ("task", None),
        ("invoke_agent", "AGENT"),
        ("chat", "CHAT_MODEL"),
        ("execute_tool", "TOOL"),
    }


def test_a_trace_has_the_tokens_of_its_model_calls(shown: Shown) -> None:
    """The sum is that of the five calls: agents carry no tokens, so none is counted twice."""
    info, _ = shown[CREW]
    usage = json.loads(info["trace_metadata"]["mlflow.trace.tokenUsage"])

    assert usage == {
        "input_tokens": 436,
        "output_tokens": 74,
        "total_tokens": 510,
        "cache_read_input_tokens": 40,
    }


def test_a_trace_has_the_state_of_its_run(shown: Shown) -> None:
    """A run that failed is an error in the list of traces."""
    assert {name: info["state"] for name, (info, _) in shown.items()} == {CREW: "OK", FAILED: "ERROR"}


def test_a_trace_previews_its_answer(shown: Shown) -> None:
    """The list of traces shows what came out of the flow, which is content of the root span."""
    info, _ = shown[CREW]
    (message,) = json.loads(info["response_preview"])

    assert message["parts"] == [{"type": "text", "content": "manner the measure r|510"}]
