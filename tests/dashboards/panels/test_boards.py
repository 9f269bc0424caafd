"""The committed dashboards: their names, places, variables, and what none of them may do."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final, get_args

import pytest

from dashboards.panels.metrics import label_name
from otelstream.frame import OutcomeState
from otelstream.span import names
from tests.dashboards.panels.promql import selectors
from tests.dashboards.panels.queries import (
    dashboards,
    expressions,
    links_of,
    panel_queries,
    variables_of,
)

Panel = Mapping[str, Any]

UIDS: Final = {
    "agents-and-tools.json": "otelstream-agents-tools",
    "llm.json": "otelstream-llm",
    "pipeline-health.json": "otelstream-pipeline",
    "run-detail.json": "otelstream-run",
    "runs.json": "otelstream-runs",
}


def test_files_and_uids() -> None:
    """There are five dashboards under the names and uids that links and documents use."""
    assert {name: board["uid"] for name, board in dashboards().items()} == UIDS


@pytest.mark.parametrize("name", sorted(UIDS))
def test_panels_do_not_overlap(name: str) -> None:
    """Panels have numbers of their own, lie within the grid, and no cell is taken twice."""
    panels = dashboards()[name]["panels"]
    cells = Counter(
        (column, line)
        for place in (panel["gridPos"] for panel in panels)
        for column in range(place["x"], place["x"] + place["w"])
        for line in range(place["y"], place["y"] + place["h"])
    )

    assert [panel["id"] for panel in panels] == list(range(1, len(panels) + 1))
    assert [cell for cell, count in cells.items() if count > 1 or cell[0] >= 24] == []


@pytest.mark.parametrize("name", sorted(UIDS))
def test_every_variable_is_used(name: str) -> None:
    """Each variable filters a query of its dashboard, and no query has one that is not there."""
    board = dashboards()[name]
    texts = " ".join(query.text for query in panel_queries() if query.dashboard == board["uid"])
    used = {name for name in re.findall(r"\$\{?(\w+)", texts) if not name.startswith("__")}

    assert used == set(variables_of(board)) - {"metrics", "traces"}


@pytest.mark.parametrize("name", sorted(UIDS))
def test_choices_are_many_or_all(name: str) -> None:
    """Choices allow several values, and All, which is what a dashboard begins with."""
    choices = [one for one in variables_of(dashboards()[name]).values() if one["type"] == "query"]
    expected = (True, True, ".*", ["$__all"])

    assert [
        (one["multi"], one["includeAll"], one["allValue"], one["current"]["value"]) for one in choices
    ] == [expected] * len(choices)


def test_spans_are_filtered_by_service() -> None:
    """Every search outside of *Run detail* has the chosen services; there the trace's id is enough."""
    searches = [query for query in panel_queries() if query.language == "traceql"]

    assert [
        query.panel
        for query in searches
        if ("${trace}" if query.dashboard == "otelstream-run" else "${service:regex}") not in query.text
    ] == []


def test_one_search_a_panel() -> None:
    """Grafana's Tempo source answers only the first TraceQL query of a panel."""
    counts = {
        panel["title"]: len(panel["targets"])
        for board in dashboards().values()
        for panel in board["panels"]
        if not expressions(panel)
    }

    assert set(counts.values()) == {1}


def literals() -> Iterator[tuple[str, str]]:
    """Yield label and value of every condition that no variable fills."""
    for query in panel_queries():
        if query.language == "promql":
            for one in selectors(query.text):
                for label, _, value in one.matchers:
                    if "$" not in value:
                        yield from ((label, each) for each in value.split("|"))


def test_values_in_conditions_exist() -> None:
    """Labels are compared only with values that measurements have."""
    known = {
        label_name(names.END): set(get_args(OutcomeState)),
        label_name(names.OPERATION_NAME): {names.CHAT},
        label_name(names.TOKEN_TYPE): {"input", "output"},
        label_name(names.ERROR_TYPE): {""},
    }

    assert {(label, value) for label, value in literals() if value not in known[label]} == set()


def test_calls_are_not_memory_operations() -> None:
    """The duration of operations is that of calls only where the operation says so."""
    asked = [
        one
        for query in panel_queries()
        if query.language == "promql"
        for one in selectors(query.text)
        if one.metric.startswith("gen_ai_client_operation_duration")
    ]

    assert asked
    assert all(("gen_ai_operation_name", "=", "chat") in one.matchers for one in asked)


def test_crews_are_no_runs_and_agents_have_no_tokens() -> None:
    """No query reads the duration of workflows, which has crews in it, or the tokens that crews report."""
    texts = " ".join(query.text for query in panel_queries())

    assert "gen_ai_invoke_workflow" not in texts
    assert names.CREW_TOTAL_TOKENS not in texts


def test_every_dashboard_leads_to_every_other() -> None:
    """The links on top list all dashboards with the tag, which all of them have."""
    for board in dashboards().values():
        (link,) = board["links"]
        assert (link["type"], link["tags"]) == ("dashboards", board["tags"]) == ("dashboards", ["otelstream"])


def test_dashboards_are_a_menu_in_sight() -> None:
    """The others are a list that opens, and no link is hidden in Grafana's menu of controls."""
    links = [link for board in dashboards().values() for link in board["links"]]
    of_panels = [
        link for board in dashboards().values() for panel in board["panels"] for link in links_of(panel)
    ]

    assert {link["asDropdown"] for link in links} == {True}
    assert [link["title"] for link in [*links, *of_panels] if "placement" in link] == []


@pytest.mark.parametrize("name", sorted(set(UIDS) - {"run-detail.json"}))
def test_a_run_can_be_opened(name: str) -> None:
    """Every other dashboard has a table whose rows lead to *Run detail* by the trace's id."""
    urls = [link["url"] for panel in dashboards()[name]["panels"] for link in links_of(panel)]

    assert any(url.startswith("/d/otelstream-run?var-trace=${__data.fields.traceIdHidden}&") for url in urls)


def test_variables_of_grafana_have_values_for_tests() -> None:
    """Whoever evaluates the expressions gets all variables filled."""
    filled = [query.filled() for query in panel_queries() if query.language == "promql"]

    assert [text for text in filled if "$" in text] == []
