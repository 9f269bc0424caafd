"""The programs of the stack themselves say that our configurations are right."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import Any

import pytest

from tests.backends.build import COLLECTOR, COMPONENTS, PROMETHEUS
from tests.backends.found import need_built
from tests.dashboards.stack.files import CONFIGURATIONS, ROOT, configuration, services


def run(*command: object, **variables: str) -> subprocess.CompletedProcess[str]:
    """A program's answer, with no variables but these."""
    return subprocess.run(
        [str(part) for part in command],
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def loaded(*profiles: str) -> dict[str, Any]:
    """What Compose's own loader makes of the compose file."""
    answer = run(need_built("compose-config"), ROOT, *profiles)
    assert answer.returncode == 0, answer.stderr
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


@pytest.mark.backend
def test_the_collector_accepts_its_configuration() -> None:
    """Every component and every setting exists."""
    answer = run(need_built("otelcol"), "validate", f"--config={CONFIGURATIONS['collector']}")

    assert (answer.returncode, answer.stderr) == (0, "")


@pytest.mark.backend
def test_jaeger_accepts_its_configuration() -> None:
    """Every component and every setting exists."""
    answer = run(need_built("jaeger"), "validate", f"--config={CONFIGURATIONS['jaeger']}")

    assert answer.returncode == 0, answer.stderr


@pytest.mark.backend
def test_prometheus_accepts_its_configuration() -> None:
    """Its own tool finds nothing wrong; an older one does not know the OTLP settings."""
    answer = run(
        need_built("promtool"), "check", "config", "--lint=all", "--lint-fatal", CONFIGURATIONS["prometheus"]
    )

    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.backend
@pytest.mark.parametrize("profile", ["jaeger", "full"])
def test_compose_accepts_the_profile(profile: str) -> None:
    """Its own loader reads the file without a complaint, and starts what is in the profile."""
    assert set(loaded(profile)["services"]) == set(services(profile))


@pytest.mark.backend
def test_compose_starts_the_whole_without_a_profile() -> None:
    """As the file .env says."""
    assert set(loaded()["services"]) == set(services("full"))


@pytest.mark.backend
def test_compose_refuses_both_profiles_at_once() -> None:
    """Before anything is started, and with the name that both have."""
    answer = run(need_built("compose-config"), ROOT, "jaeger", "full")

    assert (answer.returncode, "otelstream-jaeger" in answer.stderr) == (1, True)


@pytest.mark.backend
def test_compose_moves_a_port_by_its_variable() -> None:
    """On the machine only: in the network of the stack everything stays where it is."""
    answer = run(need_built("compose-config"), ROOT, "full", GRAFANA_PORT="3001")

    assert json.loads(answer.stdout)["services"]["grafana"]["ports"] == [
        {"mode": "ingress", "host_ip": "127.0.0.1", "target": 3000, "published": "3001", "protocol": "tcp"}
    ]


@pytest.mark.backend
@pytest.mark.parametrize("profile", ["jaeger", "full"])
def test_docker_accepts_the_profile(profile: str) -> None:
    """`docker compose config` is clean, where that client is."""
    docker = shutil.which("docker")
    if docker is None or run(docker, "compose", "version").returncode != 0:
        pytest.skip("There is no docker compose here; install docker-compose-v2 or docker-compose-plugin.")
    answer = run(docker, "compose", f"--project-directory={ROOT}", "--profile", profile, "config", "--quiet")

    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")


def test_the_tested_collector_has_what_the_configuration_uses() -> None:
    """Neither more nor less, so that its answer is about our configuration."""
    config = configuration("collector")
    used = {
        (kind.removesuffix("s"), name.split("/")[0])
        for kind in ("receivers", "processors", "exporters", "extensions")
        for name in config[kind]
    }

    assert {(component.kind, component.type) for component in COMPONENTS} == used


def test_the_tested_versions_are_those_of_the_images() -> None:
    """Collector and Prometheus are tested at the version that is started; v0.314.0 is Prometheus 3.14.0."""
    images = {name: service["image"].rsplit(":", 1)[1] for name, service in services("full").items()}
    prometheus = f"v{PROMETHEUS[3]}.{int(PROMETHEUS[4:6])}.0"

    assert (images["collector"], images["prometheus"]) == (COLLECTOR[1:], prometheus)
