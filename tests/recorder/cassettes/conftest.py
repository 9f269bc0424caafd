"""Suites that run as outside CI, whatever this run is in."""

from __future__ import annotations

import pytest

from tests.recorder.cassettes.suites import Suite


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """An empty test suite, outside CI."""
    monkeypatch.delenv("CI", raising=False)
    return Suite(pytester)
