"""Nothing of the environment of whoever runs the tests decides where spans go."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove every `OTEL_*` variable."""
    for name in [name for name in os.environ if name.startswith("OTEL")]:
        monkeypatch.delenv(name)
