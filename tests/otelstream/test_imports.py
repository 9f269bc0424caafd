"""What importing the packages must not import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
IMPORTED = """
import json, sys
before = set(sys.modules)
{code}
print(json.dumps(sorted({{name.partition(".")[0] for name in set(sys.modules) - before}})))
"""

# A package whose `__init__` is empty, so that only what the core itself imports is loaded.
BARE_PACKAGE = """
import types
package = types.ModuleType("otelstream")
package.__path__ = [{folder!r}]
sys.modules["otelstream"] = package
"""


def imported_by(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter loads when it runs that code."""
    program = IMPORTED.format(code=code)
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(json.loads(run.stdout))


def test_the_packages_do_not_import_crewai() -> None:
    """Importing both packages costs none of CrewAI's seconds."""
    loaded = imported_by("import otelstream, recorder, otelstream.testing")
    assert loaded & {"crewai", "crewai_core", "litellm", "openai"} == set()


@pytest.mark.parametrize("module", ["frame", "redact", "span.assembler", "span.tree", "span.ids", "testing"])
def test_the_core_imports_no_backend(module: str) -> None:
    """The core by itself, without the package's `__init__`, loads no OpenTelemetry, DuckDB or Typer."""
    bare = BARE_PACKAGE.format(folder=str(ROOT / "otelstream"))
    loaded = imported_by(f"{bare}\nimport otelstream.{module}")
    assert loaded & {"opentelemetry", "duckdb", "typer", "crewai", "recorder", "rich"} == set()
