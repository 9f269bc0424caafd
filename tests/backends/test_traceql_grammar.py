"""Grafana's own grammar of TraceQL, its editor's, accepts the queries of the document and the dashboards."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.backends.found import BUILT
from tests.dashboards.viewing import blocks

ROOT: Final = Path(__file__).parents[2]
INSTALLED: Final = BUILT / "traceql"
PROGRAM: Final = """
import { readFileSync } from 'node:fs'
import { parser } from '@grafana/lezer-traceql'
const wrong = JSON.parse(readFileSync(0, 'utf8')).map((query) => {
  const places = []
  parser.parse(query).iterate({ enter: (node) => { if (node.type.isError) places.push(node.from) } })
  return places
})
process.stdout.write(JSON.stringify(wrong))
"""

pytestmark = pytest.mark.backend


def refused(queries: Sequence[str]) -> Mapping[str, list[int]]:
    """Return the queries that the grammar has errors in, and where; skip the test if it is not here."""
    node = shutil.which("node")
    if node is None or not (INSTALLED / "node_modules").is_dir():
        pytest.skip(
            "Grafana's grammar of TraceQL is not here; install it with make traceql (needs Node and npm)."
        )
    ran = subprocess.run(
        [node, "--input-type=module", "--eval", PROGRAM],
        cwd=INSTALLED,
        input=json.dumps(list(queries)),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    places: list[list[int]] = json.loads(ran.stdout)
    return {query: found for query, found in zip(queries, places, strict=True) if found}


def test_the_document_is_accepted() -> None:
    """Each query of VIEWING.md."""
    assert refused(blocks("traceql")) == {}


def test_the_dashboards_are_accepted() -> None:
    """Each query of a panel, but those that are only the id of a trace; variables stand in strings."""
    panels = [
        panel
        for file in sorted((ROOT / "dashboards" / "grafana").glob("*.json"))
        for panel in json.loads(file.read_text(encoding="utf-8"))["panels"]
    ]
    queries = [
        target["query"] for panel in panels for target in panel.get("targets", []) if "query" in target
    ]
    asked = [query for query in queries if query.startswith(("{", "("))]
    assert asked
    assert refused(asked) == {}


def test_the_grammar_refuses() -> None:
    """It is no grammar that takes anything, and it knows metrics."""
    assert refused(["{ span.a = }", "{ } | foo()", "{ } | rate() by (span.a)"]) == {
        "{ span.a = }": [11],
        "{ } | foo()": [6, 10],
    }
