"""Each scenario recorded once, and a machine without a network to re-execute it on."""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The recording of the scenario of that name, redacted as by default."""
    from tests.recorder.rerun.scenarios import SCENARIOS
    from tests.recorder.rerun.stage import Stage, perform

    folder = tmp_path_factory.mktemp("scenarios")

    @cache
    def record(name: str) -> Path:
        perform(SCENARIOS[name], Stage(), folder / f"{name}.duckdb")
        return folder / f"{name}.duckdb"

    return record


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every attempt to reach another machine, or this one, fail."""

    def refuse(*_: object) -> NoReturn:
        raise AssertionError("a socket was to be connected")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
