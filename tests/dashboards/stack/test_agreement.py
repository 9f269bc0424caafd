"""What two files of the stack must agree on: sizes, times, names, and what each other's flags allow."""

from __future__ import annotations

import re
from typing import Final

import pytest

from otelstream.export.sizes import REQUEST_BYTES
from otelstream.span import names, options
from tests.dashboards.stack.files import ROOT, configuration, provisioned, services, values_of

MIB: Final = 2**20
GRPC_BYTES: Final = 4 * MIB
"""What a gRPC server takes of one message that nobody configured."""

WEEK: Final = "168h"
TEMPO = configuration("tempo")
COLLECTOR = configuration("collector")
TRACE_STORES = {
    name: value for name, value in COLLECTOR["exporters"].items() if name.startswith("otlp_grpc/")
}
FLAGS = services("full")["prometheus"]["command"]


def mapped_names() -> set[str]:
    """The attribute keys of docs/MAPPING.md."""
    text = (ROOT / "docs" / "MAPPING.md").read_text(encoding="utf-8")
    return set(re.findall(r"^- `([\w.*]+)`", text.split("## Names", 1)[1], re.MULTILINE))


def test_traces_go_to_both_stores() -> None:
    """The collector has an exporter for each, and its pipeline names them."""
    assert COLLECTOR["service"]["pipelines"]["traces"]["exporters"] == list(TRACE_STORES)


@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
@pytest.mark.parametrize("service", ["collector", "jaeger"])
def test_no_signal_is_refused(service: str, signal: str) -> None:
    """Whoever takes OTLP from programs has a pipeline for each signal that they can send."""
    assert configuration(service)["service"]["pipelines"][signal]["receivers"] == ["otlp"]


@pytest.mark.parametrize("service", ["collector", "jaeger"])
def test_what_is_defined_is_used(service: str) -> None:
    """No receiver, exporter, processor or extension stands there for nothing, and none is missing."""
    config = configuration(service)
    pipelines = config["service"]["pipelines"].values()
    used = {
        kind: {name for pipeline in pipelines for name in pipeline.get(kind, ())}
        for kind in ("receivers", "processors", "exporters")
    }

    assert {**used, "extensions": set(config["service"]["extensions"])} == {
        kind: set(config.get(kind, ())) for kind in (*used, "extensions")
    }


@pytest.mark.parametrize("exporter", sorted(TRACE_STORES))
def test_no_request_to_a_store_passes_grpcs_limit(exporter: str) -> None:
    """Batches end before it, and one span alone is smaller than a batch, else it would be dropped."""
    batch = TRACE_STORES[exporter]["sending_queue"]["batch"]

    assert options.SPAN_BYTES * 1.2 < batch["max_size"] < GRPC_BYTES


@pytest.mark.parametrize("exporter", sorted(TRACE_STORES))
def test_batches_are_measured_in_bytes(exporter: str) -> None:
    """A number of spans says nothing of their size."""
    assert TRACE_STORES[exporter]["sending_queue"]["sizer"] == "bytes"


def test_what_the_stores_are_sent_differs_in_the_place_only() -> None:
    """Jaeger and Tempo get the same, in the same way."""
    first, second = ({**exporter, "endpoint": ""} for exporter in TRACE_STORES.values())

    assert first == second


def test_the_queues_fit_in_the_collectors_memory() -> None:
    """Both trace queues together are half of what it has before it tells senders to wait."""
    queues = sum(exporter["sending_queue"]["queue_size"] for exporter in TRACE_STORES.values())

    assert queues < 512 * MIB * 0.6 / 2


@pytest.mark.parametrize("service", ["collector", "jaeger", "tempo"])
def test_receivers_take_more_than_we_send(service: str) -> None:
    """Over gRPC each takes four times what a request of ours may weigh."""
    (limit,) = values_of(configuration(service), "max_recv_msg_size_mib")

    assert limit * MIB > 4 * REQUEST_BYTES


@pytest.mark.parametrize("service", ["collector", "jaeger"])
def test_both_protocols_take_the_same(service: str) -> None:
    """Whether a request fits does not depend on the protocol."""
    (grpc,) = values_of(configuration(service), "max_recv_msg_size_mib")
    (http,) = values_of(configuration(service), "max_request_body_size")

    assert grpc * MIB == http


def test_tempo_cuts_no_attribute_of_ours() -> None:
    """Ten texts of captured content fit in one attribute."""
    assert TEMPO["distributor"]["max_attribute_bytes"] > 10 * options.CONTENT_BYTES


def test_tempo_takes_the_greatest_trace() -> None:
    """Four times what a trace may weigh by estimate."""
    assert TEMPO["overrides"]["defaults"]["global"]["max_bytes_per_trace"] > 4 * options.TRACE_BYTES


def test_the_greatest_trace_can_be_opened() -> None:
    """Tempo's parts hand each other a trace in one message, at worst both from the live store and a block."""
    limits = [
        TEMPO["server"]["grpc_server_max_recv_msg_size"],
        TEMPO["server"]["grpc_server_max_send_msg_size"],
        TEMPO["querier"]["frontend_worker"]["grpc_client_config"]["max_send_msg_size"],
    ]

    assert min(limits) > 2 * TEMPO["overrides"]["defaults"]["global"]["max_bytes_per_trace"]


def test_searches_show_what_they_have_found_so_far() -> None:
    """Grafana asks Tempo for streams, over the port that Tempo has its API on: both must be told."""
    (source,) = (source for source in provisioned("datasources", "datasources") if source["type"] == "tempo")

    assert source["jsonData"]["streamingEnabled"] == {"search": True, "metrics": True}
    assert TEMPO["stream_over_http_enabled"] is True


def test_a_run_is_found_soon_after_it_ended() -> None:
    """Whoever has just run the demo does not search in vain for half a minute."""
    assert re.fullmatch(r"[0-5]s", TEMPO["query_frontend"]["query_end_cutoff"])


def test_tempos_labels_are_attributes_of_ours() -> None:
    """MAPPING.md has the keys that become labels of span metrics, and names in the service graph."""
    processor = TEMPO["metrics_generator"]["processor"]
    keys = {*processor["span_metrics"]["dimensions"], *processor["service_graphs"]["peer_attributes"]}

    assert keys - mapped_names() == set()


def test_no_label_has_many_values() -> None:
    """Of what identifies a run, a conversation, a call or an agent's instance, nothing becomes a label."""
    dimensions = TEMPO["metrics_generator"]["processor"]["span_metrics"]["dimensions"]
    identifying = {
        names.CONVERSATION_ID,
        names.AGENT_ID,
        "crewai.flow.id",
        "crewai.frame.id",
        "crewai.task.id",
    }

    assert identifying & set(dimensions) == set()


def test_tempos_metrics_can_be_told_from_ours() -> None:
    """A label says that they are made of spans, beside their names, so that none is counted twice."""
    assert TEMPO["metrics_generator"]["registry"]["external_labels"] == {"source": "tempo"}


def test_traces_and_metrics_are_kept_equally_long() -> None:
    """A week: what leads to a trace does not outlive it, and every query may look that far back."""
    assert {
        "traces": TEMPO["overrides"]["defaults"]["compaction"]["block_retention"],
        "re-exported": TEMPO["live_store"]["wal"]["ingestion_time_range_slack"],
        "TraceQL metrics": TEMPO["query_frontend"]["metrics"]["max_duration"],
        "metrics": "168h" if "--storage.tsdb.retention.time=7d" in FLAGS else "",
    } == dict.fromkeys(("traces", "re-exported", "TraceQL metrics", "metrics"), WEEK)


def test_prometheus_takes_what_it_is_sent() -> None:
    """OTLP from the collector, remote write from Tempo, and the exemplars in both: each needs a flag."""
    assert {
        COLLECTOR["exporters"]["otlp_http/prometheus"]["endpoint"].rsplit(":9090", 1)[1],
        *(
            remote["url"].rsplit(":9090", 1)[1]
            for remote in TEMPO["metrics_generator"]["storage"]["remote_write"]
        ),
    } == {"/api/v1/otlp", "/api/v1/write"}
    assert list(values_of(TEMPO, "send_exemplars")) == [True]
    assert {"--web.enable-otlp-receiver", "--web.enable-remote-write-receiver"} <= set(FLAGS)
    assert any("exemplar-storage" in flag for flag in FLAGS if flag.startswith("--enable-feature="))


def test_an_export_that_waited_is_not_too_old_for_prometheus() -> None:
    """What the collector tries again for its longest is younger than what Prometheus takes late."""
    waited = COLLECTOR["exporters"]["otlp_http/prometheus"]["retry_on_failure"]["max_elapsed_time"]
    late = configuration("prometheus")["storage"]["tsdb"]["out_of_order_time_window"]

    assert int(waited.removesuffix("m")) < int(late.removesuffix("m"))


def test_the_whole_stack_is_scraped() -> None:
    """Prometheus asks every service of the profile but Grafana, and itself, for what was refused."""
    targets = {
        target.split(":")[0]
        for list_ in values_of(configuration("prometheus"), "targets")
        for target in list_
    }

    assert targets == set(services("full")) - {"grafana", "prometheus"} | {"localhost"}
