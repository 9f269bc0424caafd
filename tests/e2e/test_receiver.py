"""The receivers themselves: whatever an exporter sends arrives, zipped or not."""

from __future__ import annotations

import pytest

import otelstream
from tests.e2e.received import root_of, spans_of
from tests.e2e.receiver import PROTOCOLS, HttpReceiver, receiver_of, variables
from tests.e2e.runs import run_sync


@pytest.mark.parametrize("compressed", [{}, {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_all_spans_arrive(protocol: str, compressed: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Six spans go out and six arrive, over both protocols, zipped and not."""
    with receiver_of(protocol) as receiver:
        for name, value in {**variables(receiver), **compressed}.items():
            monkeypatch.setenv(name, value)
        run_sync({})
        otelstream.flush(10)
        spans = spans_of(receiver)

    assert [span.name for span in spans] == [
        "invoke_workflow F",
        "method run_crew",
        "invoke_workflow solo",
        "task one",
        "invoke_agent Writer",
        "chat gpt-4o-mini",
    ]


def test_http_requests_go_to_the_path_of_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exporter adds the path of the traces to the endpoint, and says how the body is zipped."""
    with HttpReceiver() as receiver:
        for name, value in variables(receiver).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
        run_sync({})
        otelstream.flush(10)

    assert (receiver.paths, receiver.encodings) == (["/v1/traces"], ["gzip"])


def test_flush_is_true_when_all_spans_arrived(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a collector that answers, `flush` returns True."""
    with HttpReceiver() as receiver:
        for name, value in variables(receiver).items():
            monkeypatch.setenv(name, value)
        run_sync({})

        assert otelstream.flush(10) is True


def test_flush_is_true_again_when_the_collector_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A `flush` tells of what arrived since the last one, not of a collector that was away before that."""
    with HttpReceiver() as receiver:
        for name, value in variables(receiver).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.2")
        receiver.status = 400
        run_sync({})
        first = otelstream.flush(10)
        receiver.status = 200
        run_sync({})

        assert (first, otelstream.flush(10)) == (False, True)


def test_the_root_says_how_the_run_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the bridge adds to the root span goes over the wire."""
    with HttpReceiver() as receiver:
        for name, value in variables(receiver).items():
            monkeypatch.setenv(name, value)
        run_sync({}, LookupError("no tea"))
        otelstream.flush(10)
        root = root_of(spans_of(receiver))

    assert (root.status, root.status_message, root.attributes["otelstream.end"]) == (
        "ERROR",
        "no tea",
        "failed",
    )
