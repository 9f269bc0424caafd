"""The quiet environment: what it sets, and what it leaves alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from otelstream.demo.environment import quiet_environment


def test_the_demo_package_imports_no_crewai() -> None:
    """Whoever only asks for the demo's settings does not pay for CrewAI."""
    script = "import sys, otelstream.demo.environment; sys.exit('crewai' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.crewai
def test_a_variable_that_is_set_keeps_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's own settings win."""
    monkeypatch.setenv("CREWAI_TRACING_ENABLED", "true")

    quiet_environment()

    assert os.environ["CREWAI_TRACING_ENABLED"] == "true"


@pytest.mark.crewai
def test_crewai_keeps_its_files_out_of_the_working_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The storage directory is absolute: CrewAI takes a relative one from the working directory."""
    monkeypatch.delenv("CREWAI_STORAGE_DIR", raising=False)

    quiet_environment()

    assert Path(os.environ["CREWAI_STORAGE_DIR"]).is_absolute()


@pytest.mark.crewai
def test_the_opentelemetry_sdk_stays_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """CrewAI's telemetry is turned off by its own switch, not by the one our export needs too."""
    monkeypatch.delenv("OTEL_SDK_DISABLED", raising=False)

    quiet_environment()

    assert "OTEL_SDK_DISABLED" not in os.environ
