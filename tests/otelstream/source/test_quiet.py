"""A program that is run by ours keeps away from our output, and leaves nothing behind."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from otelstream.source.quiet import quiet_program

pytestmark = pytest.mark.crewai


def test_what_the_program_prints_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Only in the block."""
    with quiet_program():
        sys.stdout.write("tea\n")
    sys.stdout.write("milk\n")

    assert capsys.readouterr() == ("milk\n", "tea\n")


def test_the_environment_is_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables that were set have their values again, and others are gone."""
    monkeypatch.setenv("CREWAI_TRACING_ENABLED", "true")
    monkeypatch.delenv("CREWAI_TESTING", raising=False)
    before = dict(os.environ)

    with quiet_program():
        inside = os.environ["CREWAI_TRACING_ENABLED"], os.environ["CREWAI_TESTING"]

    assert (inside, dict(os.environ)) == (("false", "true"), before)


def test_what_crewai_stores_is_removed() -> None:
    """Its folder exists in the block only."""
    with quiet_program():
        folder = Path(os.environ["CREWAI_STORAGE_DIR"])
        (folder / "memory").mkdir()

    assert not folder.exists()
