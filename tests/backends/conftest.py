"""Servers that take long to start are started once, for all tests that ask them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.backends.installed import Running, serving
from tests.backends.stores import MLFLOW, PHOENIX


@pytest.fixture(scope="session")
def phoenix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A running Phoenix."""
    with serving(PHOENIX, tmp_path_factory.mktemp("phoenix")) as running:
        yield running


@pytest.fixture(scope="session")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A running MLflow."""
    with serving(MLFLOW, tmp_path_factory.mktemp("mlflow")) as running:
        yield running
