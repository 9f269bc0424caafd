"""What the committed dashboards ask: every query in their panels, variables and links."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

FOLDER: Final = Path(__file__).parents[3] / "dashboards" / "grafana"

ANYTHING: Final[Mapping[str, str]] = {
    **dict.fromkeys(("service", "flow", "model", "agent", "tool", "conversation"), ".*"),
    "__interval": "60s",
    "__interval_ms": "60000",
    "__rate_interval": "240s",
    "__range": "3600s",
    "__range_s": "3600",
}
"""What Grafana puts in for variables of which "All" is chosen, over one hour in steps of one minute."""

_VARIABLE: Final = re.compile(r"\$(?:\{(?P<braced>\w+)(?:[.:][^}]*)?\}|(?P<bare>\w+))")


@dataclass(frozen=True, slots=True)
class Query:
    """One query.

    Attributes:
        dashboard: The dashboard's uid.
        panel: The panel's title, or `$name` for a variable.
        language: `promql` or `traceql`.
        text: As it stands in the dashboard.
        instant: Whether it asks for one moment.
    """

    dashboard: str
    panel: str
    language: str
    text: str
    instant: bool = False

    def filled(self, values: Mapping[str, str] = ANYTHING) -> str:
        """Return the text with values for its variables.

        Raises:
            KeyError: A variable has no value.
        """
        return _VARIABLE.sub(lambda found: values[found["braced"] or found["bare"]], self.text)


@cache
def dashboards() -> Mapping[str, Any]:
    """Return the committed dashboards by the names of their files."""
    return {path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}


def promql() -> Iterator[tuple[str, str, str]]:
    """Yield dashboard, panel and expression of every PromQL query in a panel, ready for Prometheus."""
    for query in panel_queries():
        if query.language == "promql":
            yield query.dashboard, query.panel, query.filled()


def panel_queries() -> Iterator[Query]:
    """Yield the queries of all panels."""
    for board in dashboards().values():
        for panel in board["panels"]:
            for target in panel["targets"]:
                expression, instant = target.get("expr"), target.get("instant", False)
                language, text = ("promql", expression) if expression else ("traceql", target["query"])
                yield Query(board["uid"], panel["title"], language, text, instant)


def variable_queries() -> Iterator[Query]:
    """Yield what variables ask Prometheus: the selector of each `label_values(selector, label)`."""
    for board in dashboards().values():
        for variable in board["templating"]["list"]:
            asked = variable.get("query")
            if isinstance(asked, dict) and "query" in asked:
                yield Query(board["uid"], f"${variable['name']}", "promql", asked["query"])


def link_queries() -> Iterator[Query]:
    """Yield the TraceQL that links into Explore carry."""
    for board in dashboards().values():
        for panel in board["panels"]:
            for link in links_of(panel):
                for text in explored(link["url"]):
                    yield Query(board["uid"], panel["title"], "traceql", text)


def links_of(panel: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the links of a panel's values and of its header."""
    return [*panel["fieldConfig"]["defaults"].get("links", []), *panel.get("links", [])]


def variables_of(board: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables of a dashboard by name."""
    return {variable["name"]: variable for variable in board["templating"]["list"]}


def expressions(panel: Mapping[str, Any]) -> list[str]:
    """Return the PromQL of a panel."""
    return [target["expr"] for target in panel["targets"] if "expr" in target]


def explored(url: str) -> list[str]:
    """Return the queries of a link into Explore, none for other links."""
    parts = urlsplit(url)
    if parts.path != "/explore":
        return []
    panes = json.loads(parse_qs(parts.query)["panes"][0])
    return [query["query"] for pane in panes.values() for query in pane["queries"]]
