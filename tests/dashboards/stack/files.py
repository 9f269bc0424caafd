"""The compose file and the configurations of its services, as values, and which line of them says why."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[3]
COMPOSE: Final = ROOT / "docker-compose.yml"
DASHBOARDS: Final = ROOT / "dashboards"
PROVISIONING: Final = DASHBOARDS / "grafana" / "provisioning"

CONFIGURATIONS: Final = {
    service: DASHBOARDS / service / "config.yaml"
    for service in ("collector", "jaeger", "prometheus", "tempo")
}
"""Services and the file that each is configured by."""

FILES: Final = (COMPOSE, *CONFIGURATIONS.values(), *sorted(PROVISIONING.rglob("*.yaml")))
"""Every YAML file of the stack."""

_DEFAULT: Final = re.compile(r"\$\{\w+:-([^}]*)\}")


@cache
def load(path: Path) -> dict[str, Any]:
    """Return what a YAML file holds; its readers must not change it."""
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def services(profile: str | None = None) -> dict[str, Any]:
    """Return the services of the compose file by name, of one profile or of all."""
    return {
        name: service
        for name, service in load(COMPOSE)["services"].items()
        if profile is None or profile in service["profiles"]
    }


def profiles() -> set[str]:
    """Return the profiles of the compose file."""
    return {profile for service in services().values() for profile in service["profiles"]}


def configuration(service: str) -> dict[str, Any]:
    """Return the configuration of a service."""
    return load(CONFIGURATIONS[service])


def provisioned(kind: str, entries: str) -> list[Any]:
    """Return what Grafana is given at its start.

    Args:
        kind: The folder: `datasources` or `dashboards`.
        entries: The list in its files: `datasources` or `providers`.
    """
    return [entry for path in sorted((PROVISIONING / kind).iterdir()) for entry in load(path)[entries]]


def with_defaults(text: str) -> str:
    """Return a text of the compose file as Compose reads it when no variable is set."""
    return _DEFAULT.sub(r"\1", text)


def mounts(service: Mapping[str, Any]) -> dict[str, str]:
    """Return what a service has mounted: the path in it, and the file, folder or volume."""
    pairs = [entry.split(":") for entry in service.get("volumes", ())]
    return {pair[1]: pair[0] for pair in pairs}


def texts(value: object) -> Iterator[str]:
    """Yield every text in a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


def values_of(value: object, key: str) -> Iterator[Any]:
    """Yield what stands under a key, wherever it occurs in a value."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name == key:
                yield item
            yield from values_of(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from values_of(item, key)


def unexplained(text: str) -> list[str]:
    """Return the settings of a YAML file that no comment is about.

    A comment is about the settings that follow it, down to a blank line or to one that is less indented.
    A key that only has others below it is none.
    """
    lines = text.splitlines()
    reason: int | None = None
    found = []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        indent = len(line) - len(line.lstrip())
        if not line.strip() or (reason is not None and indent < reason):
            reason = None
        if line.lstrip().startswith("#"):
            reason = indent
        elif line.strip() and reason is None and not _only_holds_others(line, following, indent):
            found.append(line.strip())
    return found


def _only_holds_others(line: str, following: str, indent: int) -> bool:
    deeper = len(following) - len(following.lstrip()) > indent
    return line.rstrip().endswith(":") and deeper
