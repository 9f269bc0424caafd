"""A configuration that runs on this machine is ours but for its ports."""

from __future__ import annotations

import pytest

from tests.backends.moving import free_ports, moved


def test_a_place_in_a_text_is_moved() -> None:
    """A listener, a bare place and one in a URL, whose path stays."""
    ports = {"0.0.0.0:4317": 1, "tempo:4317": 2, "prometheus:9090": 3}
    config = {"a": "0.0.0.0:4317", "b": ["tempo:4317"], "c": {"url": "http://prometheus:9090/api/v1/otlp"}}

    assert moved(config, ports) == {
        "a": "127.0.0.1:1",
        "b": ["127.0.0.1:2"],
        "c": {"url": "http://127.0.0.1:3/api/v1/otlp"},
    }


def test_a_host_and_a_port_are_a_place() -> None:
    """Where they stand under two keys, both are changed."""
    assert moved({"host": "0.0.0.0", "port": 8888, "x": 1}, {"0.0.0.0:8888": 5}) == {
        "host": "127.0.0.1",
        "port": 5,
        "x": 1,
    }


@pytest.mark.parametrize("value", ["10m", "168h", "rate(x[5m])", 16, True, None, "/etc/a.yaml", "a: b"])
def test_nothing_else_is_changed(value: object) -> None:
    """Times, sizes, paths and queries are no places."""
    assert moved({"a": [value]}, {}) == {"a": [value]}


def test_a_place_without_a_port_is_an_error() -> None:
    """A new place in a configuration cannot be forgotten."""
    with pytest.raises(KeyError, match="loki:3100"):
        moved({"a": "http://loki:3100/"}, {})


def test_free_ports_are_different() -> None:
    """No two places get the same."""
    assert len(set(free_ports(["a", "b", "c"]).values())) == 3
