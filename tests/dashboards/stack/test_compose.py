"""The compose file: what it starts, where it can be reached from, and what it may take."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.dashboards.stack.files import (
    COMPOSE,
    DASHBOARDS,
    ROOT,
    configuration,
    load,
    mounts,
    profiles,
    services,
)
from tests.dashboards.stack.network import Pointer, door, listeners, pointers, published

ALL = sorted(services())
PORTS = {
    "jaeger": {4317, 4318, 16686},
    "full": {4317, 4318, 16686, 3000, 3200, 9090},
}
UNITS = {"k": 2**10, "m": 2**20, "g": 2**30, "MiB": 2**20, "GiB": 2**30}


def size(text: str) -> int:
    """Bytes of a size as Compose or Go writes it."""
    found = re.fullmatch(r"(\d+)(\w+)", text)
    assert found is not None
    return int(found[1]) * UNITS[found[2]]


def test_there_are_two_profiles() -> None:
    """The smallest stack, and the whole one."""
    assert profiles() == {"jaeger", "full"}


def test_the_smallest_is_jaeger_alone() -> None:
    """One container and nothing else."""
    assert list(services("jaeger")) == ["jaeger-alone"]


def test_the_whole_has_a_collector_in_front_of_two_trace_stores() -> None:
    """And what shows metrics and dashboards."""
    assert set(services("full")) == {"collector", "jaeger", "tempo", "prometheus", "grafana"}


def test_without_a_profile_the_whole_starts() -> None:
    """Compose reads the file .env, and that names the profile.

    Nothing else is in it, since CrewAI sets it in every program that runs from an environment in here, where
    the name of a project would lead `docker compose` to the wrong containers.
    """
    lines = (ROOT / ".env").read_text(encoding="utf-8").splitlines()

    assert [line for line in lines if line and not line.startswith("#")] == ["COMPOSE_PROFILES=full"]


@pytest.mark.parametrize("profile", sorted(PORTS))
def test_a_profile_takes_the_ports_that_the_documents_name(profile: str) -> None:
    """Neither more nor fewer, and none twice."""
    assert sorted(port.on_machine for port in published(profile)) == sorted(PORTS[profile])


@pytest.mark.parametrize("profile", sorted(PORTS))
def test_nothing_is_reached_from_another_machine(profile: str) -> None:
    """Every port is published on the loopback interface."""
    assert {port.address for port in published(profile)} == {"127.0.0.1"}


@pytest.mark.parametrize("profile", sorted(PORTS))
def test_what_is_published_is_listened_on(profile: str) -> None:
    """Behind every published port its service listens, says its configuration."""
    assert [port for port in published(profile) if port.in_container not in listeners(port.service)] == []


@pytest.mark.parametrize("port", sorted(PORTS["full"]))
def test_a_published_port_has_one_place(port: int) -> None:
    """Whoever moves a port changes one line, or sets one variable."""
    assert len(re.findall(rf":-{port}}}", COMPOSE.read_text(encoding="utf-8"))) == 1


def test_every_port_is_moved_by_a_variable_of_its_own() -> None:
    """Two ports never share a variable."""
    variables = re.findall(r"\$\{(\w+):-", COMPOSE.read_text(encoding="utf-8"))

    assert sorted(variables) == sorted(set(variables))


def test_who_is_sent_somewhere_is_listened_to() -> None:
    """Exporters, scrapes, data sources and health checks lead to services that listen on that port."""
    known = {*services("full"), "jaeger-alone"}

    assert [
        pointer
        for pointer in pointers()
        if pointer.host not in known
        or pointer.port not in listeners(pointer.host, inside=pointer.source == pointer.host)
    ] == []


def test_each_is_sent_to_the_right_door() -> None:
    """Spans over gRPC to where gRPC is taken, Grafana to the APIs, Prometheus to the metrics."""
    otlp = ("protocols", "grpc", "endpoint")
    page = ("extensions", "jaeger_query", "http", "endpoint")

    assert {pointer for pointer in pointers() if pointer.source != pointer.host} == {
        Pointer("collector", "jaeger", door("jaeger", "receivers", "otlp", *otlp)),
        Pointer("collector", "tempo", door("tempo", "distributor", "receivers", "otlp", *otlp)),
        Pointer("collector", "prometheus", 9090),
        Pointer("tempo", "prometheus", 9090),
        Pointer("grafana", "prometheus", 9090),
        Pointer("grafana", "tempo", door("tempo", "server", "http_listen_port")),
        Pointer("grafana", "jaeger", door("jaeger", *page)),
        Pointer("prometheus", "tempo", door("tempo", "server", "http_listen_port")),
        Pointer("prometheus", "jaeger", 8888),
        Pointer("prometheus", "collector", 8888),
    }


def test_the_profiles_cannot_run_at_once_without_a_word() -> None:
    """Where a port is in both, the containers share a name, and Compose refuses that before it starts one."""
    names = {services()[name]["container_name"] for name in ("jaeger", "jaeger-alone")}

    assert names == {"otelstream-jaeger"}


@pytest.mark.parametrize("name", ALL)
def test_images_are_pinned(name: str) -> None:
    """Each image has a version of three numbers, so that tomorrow's stack is today's."""
    assert re.fullmatch(r"[\w.-]+/[\w.-]+:v?\d+\.\d+\.\d+", services()[name]["image"])


@pytest.mark.parametrize("name", ALL)
def test_memory_is_limited(name: str) -> None:
    """No service can take the machine's memory."""
    assert 0 < size(services()[name]["mem_limit"]) <= 2 * 2**30


def test_all_together_fit_in_a_laptop() -> None:
    """The whole stack takes at most 6.5 GB."""
    assert sum(size(service["mem_limit"]) for service in services("full").values()) < 6.5 * 2**30


@pytest.mark.parametrize(
    "name", [name for name in ALL if "GOMEMLIMIT" in services()[name].get("environment", {})]
)
def test_gos_own_limit_is_below_that_of_the_container(name: str) -> None:
    """It is half of it to nine tenths: garbage is collected before the container is ended."""
    service = services()[name]

    assert 0.5 <= size(service["environment"]["GOMEMLIMIT"]) / size(service["mem_limit"]) <= 0.9


def test_garbage_alone_makes_the_collector_refuse_nothing() -> None:
    """It is collected before the memory limiter begins to tell senders to wait."""
    service, limiter = services()["collector"], configuration("collector")["processors"]["memory_limiter"]
    begins = (limiter["limit_percentage"] - limiter["spike_limit_percentage"]) / 100

    assert size(service["environment"]["GOMEMLIMIT"]) < size(service["mem_limit"]) * begins


@pytest.mark.parametrize("name", ALL)
def test_health_is_checked_or_it_says_why_not(name: str) -> None:
    """Every service has a health check, or a sentence in its place."""
    service = services()[name]

    assert ("healthcheck" in service) != (len(service.get("x-no-healthcheck", "").split()) > 5)


@pytest.mark.parametrize("name", ALL)
def test_every_service_comes_back_and_has_no_rights(name: str) -> None:
    """Restart, bounded log, no capabilities: none was forgotten."""
    service = services()[name]

    assert {key: service.get(key) for key in load(COMPOSE)["x-service"]} == load(COMPOSE)["x-service"]


@pytest.mark.parametrize("name", ALL)
def test_what_is_mounted_is_there(name: str) -> None:
    """A mounted file or folder is in the repository; Docker would make an empty folder of one that is not."""
    sources = [source for source in mounts(services()[name]).values() if source.startswith(".")]

    assert [source for source in sources if not (ROOT / source).exists()] == []


@pytest.mark.parametrize("name", ALL)
def test_our_files_are_mounted_to_be_read_only(name: str) -> None:
    """No container can change the repository."""
    entries = [entry for entry in services()[name].get("volumes", ()) if entry.startswith(".")]

    assert [entry for entry in entries if not entry.endswith(":ro")] == []


def test_each_volume_is_declared_and_used() -> None:
    """The named volumes are those that services mount."""
    used = {
        source
        for service in services().values()
        for source in mounts(service).values()
        if not source.startswith(".")
    }

    assert set(load(COMPOSE)["volumes"]) == used


@pytest.mark.parametrize("name", [name for name in ALL if name != "grafana"])
def test_a_service_reads_the_configuration_that_is_mounted(name: str) -> None:
    """The path in its command is one that our file is mounted at."""
    service = services()[name]
    ours = f"./{DASHBOARDS.name}/{name.removesuffix('-alone')}/config.yaml"
    (named,) = [text.split("=", 1)[1] for text in service["command"] if re.match(r"--?config", text)]

    assert mounts(service)[named] == ours


def test_every_service_waited_for_is_in_its_profile() -> None:
    """Compose refuses a dependency on a service that is not started."""
    waits: dict[str, Any] = {
        name: service.get("depends_on", []) for name, service in services("full").items()
    }

    assert {other for others in waits.values() for other in others} <= set(services("full"))
