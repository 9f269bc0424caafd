"""Every setting of the stack has its reason in a comment."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from otelstream.config import Settings
from tests.dashboards.stack.files import CONFIGURATIONS, FILES, PROVISIONING, ROOT, load, unexplained


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_file_parses(path: Path) -> None:
    """It is YAML, and says something."""
    assert isinstance(load(path), dict)


@pytest.mark.parametrize("path", [*CONFIGURATIONS.values(), *sorted(PROVISIONING.rglob("*.yaml"))], ids=str)
def test_every_setting_has_a_reason(path: Path) -> None:
    """A comment stands above each, or above the group that it is in."""
    assert unexplained(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", [*FILES, ROOT / "docs" / "VIEWING.md"], ids=lambda path: path.parent.name)
def test_parameters_of_ours_are_written_as_we_take_them(path: Path) -> None:
    """Whoever sets a parameter as a comment or the document has it, is not told that it cannot be used."""
    written = dict(re.findall(r"\b(OTELSTREAM_[A-Z_]+)=(\w+)", path.read_text(encoding="utf-8")))

    assert Settings.from_environ(written)[1] == []


def test_a_setting_without_a_comment_is_found() -> None:
    """A comment ends with its group: at a blank line, and where the indentation ends."""
    text = "# why\na: 1\n\nb: 2\nc:\n  # why\n  d: 3\n  e: 4\nf: 5\n"

    assert unexplained(text) == ["b: 2", "f: 5"]
