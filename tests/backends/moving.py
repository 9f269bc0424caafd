"""Our configurations with their ports moved to free ones of this machine, and nothing else changed."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from typing import Final

LOOPBACK: Final = "127.0.0.1"

_PLACE: Final = re.compile(r"(?<![\w.-])([a-z][a-z0-9-]*|[0-9.]+):(\d{2,5})(?!\d)")


def moved(value: object, ports: Mapping[str, int]) -> object:
    """Return a configuration in which every `host:port` is a port of this machine.

    Args:
        value: What the file holds. A host and a port under those two keys are such a place too.
        ports: The new port of each place.

    Raises:
        KeyError: A place has no new port.
    """
    if isinstance(value, str):
        return _PLACE.sub(lambda found: f"{LOOPBACK}:{ports[found[0]]}", value)
    if isinstance(value, list):
        return [moved(item, ports) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() >= {"host", "port"}:
        return {**value, "host": LOOPBACK, "port": ports[f"{value['host']}:{value['port']}"]}
    return {key: moved(item, ports) for key, item in value.items()}


def free_ports(places: Iterable[str]) -> dict[str, int]:
    """Return a port for each place that nobody listens on, all of them different."""
    with ExitStack() as held:
        servers = {place: held.enter_context(socket.create_server((LOOPBACK, 0))) for place in places}
        return {place: server.getsockname()[1] for place, server in servers.items()}
