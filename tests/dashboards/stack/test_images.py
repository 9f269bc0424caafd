"""What the images ask of us, as their sources of these versions say: not all of them can be run in tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.dashboards.stack.files import configuration, mounts, services, texts, values_of

ALL = sorted(services())
FULL = services("full")

PROBES: Final = {
    "jaeger": ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:13133/status"],
    "tempo": ["/tempo", "-health", "-health.url=http://127.0.0.1:3200/ready"],
    "prometheus": ["promtool", "check", "ready", "--url=http://127.0.0.1:9090"],
    "grafana": ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:3000/api/health"],
}
"""Commands that each image has, and the page that answers 200 when all is well and only then."""

KEPT: Final = {"tempo": "/var/tempo", "prometheus": "/prometheus", "grafana": "/var/lib/grafana"}
"""The folder of each image that its user may write to; a volume at another place belongs to root."""

TEMPO_KEYS: Final = """
    stream_over_http_enabled usage_report.reporting_enabled memory.automemlimit_enabled
    server.http_listen_port server.grpc_server_max_recv_msg_size server.grpc_server_max_send_msg_size
    distributor.receivers.otlp.protocols.grpc.endpoint
    distributor.receivers.otlp.protocols.grpc.max_recv_msg_size_mib distributor.max_attribute_bytes
    metrics_generator.metrics_ingestion_time_range_slack metrics_generator.registry.external_labels.source
    metrics_generator.storage.path metrics_generator.storage.remote_write.url
    metrics_generator.storage.remote_write.send_exemplars
    metrics_generator.processor.span_metrics.histogram_buckets
    metrics_generator.processor.span_metrics.dimensions
    metrics_generator.processor.service_graphs.histogram_buckets
    metrics_generator.processor.service_graphs.peer_attributes
    live_store.wal.ingestion_time_range_slack
    storage.trace.backend storage.trace.local.path storage.trace.blocklist_poll
    querier.frontend_worker.grpc_client_config.max_send_msg_size
    query_frontend.query_end_cutoff query_frontend.search.max_spans_per_span_set
    query_frontend.metrics.max_duration
    overrides.defaults.compaction.block_retention overrides.defaults.global.max_bytes_per_trace
    overrides.defaults.metrics_generator.processors
    overrides.defaults.metrics_generator.trace_id_label_name
    overrides.defaults.metrics_generator.max_active_series
"""
"""Keys that Tempo 3.0.3 has, each looked up in its sources."""


def keys(value: object, before: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the dotted keys of everything in a value that holds no others."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from keys(item, (*before, name))
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for item in value:
            yield from keys(item, before)
    else:
        yield ".".join(before)


def test_tempo_has_every_key_that_we_set() -> None:
    """It ends at its start because of one that it does not know, so none is set that was not looked up."""
    assert set(keys(configuration("tempo"))) - set(TEMPO_KEYS.split()) == set()


@pytest.mark.parametrize("name", [name for name in ALL if name != "collector"])
def test_health_is_asked_as_the_image_can(name: str) -> None:
    """The command is in the image, and asks the page that tells of health."""
    probe = services()[name]["healthcheck"]["test"]

    assert probe == ["CMD", *PROBES[name.removesuffix("-alone")]]


@pytest.mark.parametrize("name", sorted(KEPT))
def test_what_is_kept_is_in_a_volume(name: str) -> None:
    """A volume named as the service is mounted where the image's user may write."""
    assert mounts(FULL[name])[KEPT[name]] == name


def test_prometheus_keeps_its_data_in_its_volume() -> None:
    """The path in its flags is that of the volume."""
    assert f"--storage.tsdb.path={KEPT['prometheus']}" in FULL["prometheus"]["command"]


def test_tempo_keeps_its_data_in_its_volume() -> None:
    """Blocks, and samples that wait: no path of its configuration is outside."""
    paths = [path for path in texts(configuration("tempo")) if path.startswith("/")]

    assert [path for path in paths if not path.startswith(f"{KEPT['tempo']}/")] == []
    assert len(paths) == 2


@pytest.mark.parametrize("name", ALL)
def test_a_container_has_no_rights(name: str) -> None:
    """No capability, no way to get one, no door to the machine; the user is that of the image, never root."""
    doors = {"privileged", "cap_add", "user", "pid", "ipc", "network_mode", "devices"}
    service: dict[str, Any] = services()[name]

    assert (service["cap_drop"], service["security_opt"], doors & set(service)) == (
        ["ALL"],
        ["no-new-privileges:true"],
        set(),
    )


def test_jaeger_writes_and_reads_one_store() -> None:
    """What is stored and what is searched have the name of the one that is configured."""
    jaeger = configuration("jaeger")
    stores = list(jaeger["extensions"]["jaeger_storage"]["backends"])

    assert [
        *values_of(jaeger["exporters"], "trace_storage"),
        *values_of(jaeger["extensions"]["jaeger_query"]["storage"], "traces"),
    ] == 2 * stores
