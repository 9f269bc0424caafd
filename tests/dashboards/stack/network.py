"""Who listens on which port in the stack, and who is sent there, computed from the files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from tests.dashboards.stack.files import (
    PROVISIONING,
    configuration,
    load,
    services,
    texts,
    values_of,
    with_defaults,
)

UNCONFIGURED: Final = {"prometheus": {9090}, "grafana": {3000}}
"""Services whose port is their program's default, since no file of ours changes it."""

_LISTENER: Final = re.compile(r"(0\.0\.0\.0|127\.0\.0\.1):(\d+)")
_EVERYWHERE: Final = "0.0.0.0"
_URL: Final = re.compile(r"https?://[\w.-]+:\d+[^\s\"']*")


@dataclass(frozen=True, slots=True)
class Published:
    """A port of a service that the machine has too."""

    service: str
    address: str
    on_machine: int
    in_container: int


@dataclass(frozen=True, slots=True)
class Pointer:
    """A place in a file that sends somebody somewhere.

    Attributes:
        source: The service that is sent.
        host: The name of a service.
        port: The port in its container.
    """

    source: str
    host: str
    port: int


def published(profile: str) -> list[Published]:
    """Return the ports that a profile takes on the machine, if no variable moves them."""
    found = []
    for name, service in services(profile).items():
        for entry in service.get("ports", ()):
            address, on_machine, in_container = with_defaults(entry).rsplit(":", 2)
            found.append(Published(name, address, int(on_machine), int(in_container)))
    return found


def listeners(service: str, *, inside: bool = False) -> set[int]:
    """Return the ports that a service listens on, as its configuration says.

    Args:
        service: Which.
        inside: Also those that only its own container reaches.
    """
    if service in UNCONFIGURED:
        return UNCONFIGURED[service]
    config = configuration(service.removesuffix("-alone"))
    places = [match.groups() for text in texts(config) if (match := _LISTENER.fullmatch(text))]
    places += [(reader["host"], reader["port"]) for reader in values_of(config, "prometheus")]
    ports = {int(port) for host, port in places if inside or host == _EVERYWHERE}
    return ports | {int(port) for port in values_of(config, "http_listen_port")}


def door(service: str, *keys: str) -> int:
    """Return the port of one listener of a service, by its place in the configuration."""
    found: Any = configuration(service)
    for key in keys:
        found = found[key]
    return int(str(found).rsplit(":", 1)[-1])


def pointers() -> set[Pointer]:
    """Return every place in the stack's files that sends one service to another, or to itself."""
    found = {
        Pointer("collector", *_place(exporter["endpoint"]))
        for exporter in configuration("collector")["exporters"].values()
        if "endpoint" in exporter
    }
    found |= {
        Pointer("prometheus", *_place(target))
        for targets in values_of(configuration("prometheus"), "targets")
        for target in targets
    }
    found |= {
        Pointer("tempo", *_place(remote["url"]))
        for remotes in values_of(configuration("tempo"), "remote_write")
        for remote in remotes
    }
    for path in (PROVISIONING / "datasources").iterdir():
        found |= {Pointer("grafana", *_place(url)) for url in values_of(load(path), "url")}
    for name, service in services().items():
        found |= {Pointer(name, *_place(url)) for url in _urls(service)}
    return {_to_itself(pointer) for pointer in found}


def _urls(service: Mapping[str, Any]) -> Iterator[str]:
    for text in texts(service.get("healthcheck", {})):
        yield from _URL.findall(text)


def _place(text: str) -> tuple[str, int]:
    parts = urlsplit(text if "://" in text else f"//{text}")
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def _to_itself(pointer: Pointer) -> Pointer:
    local = pointer.host in ("localhost", "127.0.0.1")
    return Pointer(pointer.source, pointer.source if local else pointer.host, pointer.port)
