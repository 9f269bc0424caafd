"""Every test here starts and ends with no pipeline, no losses and no `OTEL*` variable in force."""

from __future__ import annotations

import os
from collections.abc import Iterator
from weakref import WeakKeyDictionary

import pytest

import otelstream
from otelstream import bridge
from otelstream.bridge import providers
from otelstream.bridge.counters import Losses
from tests.e2e.meters import Meters


@pytest.fixture(autouse=True)
def fresh_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the test observe as a new process would."""
    for name in [name for name in os.environ if name.startswith("OTEL")]:
        monkeypatch.delenv(name)
    otelstream.shutdown(5)
    monkeypatch.setattr(bridge, "_losses", Losses())
    # The meters of one test, which may be broken, must not be told of commits in another.
    monkeypatch.setattr(providers, "_instruments", WeakKeyDictionary())
    yield
    otelstream.shutdown(5)


@pytest.fixture
def meters() -> Meters:
    """A meter provider that nobody has used yet."""
    return Meters()
