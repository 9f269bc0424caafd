"""What pytest says of a test and of its options, as the plan of the test's recording."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from recorder.cassettes.layout import Layout, file_name, layout_of
from recorder.cassettes.marker import Marker, marker_of
from recorder.cassettes.mode import Mode, Wishes, is_ci

if TYPE_CHECKING:
    from recorder.cassettes.plan import Plan


def option(config: pytest.Config, name: Literal["mode", "dir", "unused"]) -> str | None:
    """Return the value of an option, from the command line or else the configuration file."""
    value: str | None = config.getoption(f"recording_{name}")
    return value or config.getini(f"recording_{name}") or None


def wishes_of(config: pytest.Config, marker: Marker) -> Wishes:
    """Return the modes that were asked for."""
    command_line: Mode | None = config.getoption("recording_mode")
    ini: Mode | None = config.getini("recording_mode") or None
    return Wishes(command_line, marker.mode, ini, is_ci(os.environ))


def marker_on(item: pytest.Item) -> Marker:
    """Return what a test's markers say. Raises `UsageError` if that cannot be."""
    return marker_of(item.iter_markers("recording"))


def id_of(item: pytest.Item) -> str:
    """Return a test's id, without the name of a group that xdist adds to it."""
    return "::".join([item.nodeid.partition("::")[0], *_names(item)])


def layout_for(module: Path, config: pytest.Config) -> Layout:
    """Return where the recordings of a test module are."""
    return layout_of(module, config.rootpath, option(config, "dir"))


def path_of(item: pytest.Item, marker: Marker) -> Path:
    """Return the recording of a test."""
    folder = layout_for(item.path, item.config).folder_of(item.path)
    return Path(os.path.abspath(folder / file_name(marker.name, ".".join(_names(item)))))


def plan_of(item: pytest.Item, marker: Marker) -> Plan:
    """Return what a test's recording is and may become."""
    from recorder.cassettes.plan import Plan, command

    test = "::".join([shown(item.path, item.config), *_names(item)])
    folder: str | None = item.config.getoption("recording_dir")
    return Plan(
        path=path_of(item, marker),
        wishes=wishes_of(item.config, marker),
        serve=marker.serve,
        test=id_of(item),
        command=command(test, folder),
    )


def shown(path: Path, config: pytest.Config) -> str:
    """Return a path as a user sees it who stands where pytest was started."""
    folder = config.invocation_params.dir
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)


def _names(item: pytest.Item) -> list[str]:
    return [*(node.name for node in item.listchain() if isinstance(node, pytest.Class)), item.name]
