"""What the committed dashboards show beside the values themselves: legends and exemplars."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.dashboards.panels.queries import Query, dashboards


def legends() -> Iterator[tuple[Query, set[str]]]:
    """Yield each PromQL query that has a legend, and the labels that the legend names."""
    for query, target in _promql():
        labels = set(re.findall(r"{{(\w+)}}", target.get("legendFormat", "")))
        if labels:
            yield query, labels


def with_exemplars() -> Iterator[Query]:
    """Yield each PromQL query whose panel shows exemplars."""
    return (query for query, target in _promql() if target.get("exemplar"))


def _promql() -> Iterator[tuple[Query, dict[str, Any]]]:
    for board in dashboards().values():
        for panel in board["panels"]:
            for target in panel["targets"]:
                if "expr" in target:
                    yield Query(board["uid"], panel["title"], "promql", target["expr"]), target
