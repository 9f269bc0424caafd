"""Each panel of the committed dashboards: readable, linked to traces, filtered by what a person chose."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from dashboards.panels.metrics import METRICS, label_name
from otelstream.span import names
from tests.dashboards.panels.promql import selectors
from tests.dashboards.panels.queries import (
    dashboards,
    explored,
    expressions,
    links_of,
    variables_of,
)

Panel = Mapping[str, Any]

FILTERS: Final = {
    "service": "job",
    "flow": label_name(names.RUN_NAME),
    "model": label_name(names.REQUEST_MODEL),
    "agent": label_name(names.AGENT_NAME),
    "tool": label_name(names.TOOL_NAME),
}
"""The label that each variable filters, where the metric carries it."""

CARRIED: Final = {
    series: {"job", *map(label_name, metric.attributes)}
    for metric in METRICS
    for series in (metric.family, metric.count, metric.total, metric.bucket)
}
IDS: Final = {
    f"{uid}: {panel['title']}": (board, panel)
    for uid, board in ((board["uid"], board) for board in dashboards().values())
    for panel in board["panels"]
}
every_panel: Final = pytest.mark.parametrize(("board", "panel"), IDS.values(), ids=list(IDS))


@every_panel
def test_a_panel_says_what_it_is(board: Mapping[str, Any], panel: Panel) -> None:
    """It has a title, a description of its own, a unit, levels, and words for when nothing is known."""
    shown = panel["fieldConfig"]["defaults"]

    assert panel["title"]
    assert len(panel["description"]) > 20
    assert shown["unit"]
    assert shown["thresholds"]["steps"][0]["value"] is None
    assert shown["noValue"]
    assert not re.search(r"\d", shown["noValue"]), "a number would be taken for one"


def test_graphs_have_a_legend() -> None:
    """Whoever looks knows which colour is what, without pointing at it."""
    graphs = [panel["options"]["legend"] for _, panel in IDS.values() if panel["type"] == "timeseries"]

    assert {(one["showLegend"], one["displayMode"]) for one in graphs} == {(True, "list")}


def test_what_is_unknown_is_not_green() -> None:
    """A number that nobody reported stands on gray: Grafana would give it the colour of the lowest level."""
    numbers = [panel["fieldConfig"]["defaults"] for _, panel in IDS.values() if panel["type"] == "stat"]
    gray = [
        [
            {
                "type": "special",
                "options": {
                    "match": "null+nan",
                    "result": {"text": one["noValue"], "color": "gray", "index": 0},
                },
            }
        ]
        for one in numbers
    ]

    assert [one["mappings"] for one in numbers] == gray


def test_cells_of_heatmaps_are_counts() -> None:
    """The axis has the unit of what was measured, and a cell says how often it was."""
    maps = [panel["options"] for _, panel in IDS.values() if panel["type"] == "heatmap"]

    assert [(one["yAxis"]["unit"], one["cellValues"]["unit"]) for one in maps] == [("s", "short")] * 3


@every_panel
def test_a_panel_asks_the_chosen_data_source(board: Mapping[str, Any], panel: Panel) -> None:
    """Panels and queries refer to a data source by variable only, of the kind that the query is for."""
    sources = {(one["datasource"]["type"], one["datasource"]["uid"]) for one in (panel, *panel["targets"])}
    expected = ("prometheus", "${metrics}") if expressions(panel) else ("tempo", "${traces}")

    assert sources == {expected}
    assert {"metrics", "traces"} <= set(variables_of(board))


@every_panel
def test_a_panel_leads_to_traces(board: Mapping[str, Any], panel: Panel) -> None:
    """A value can be clicked and leads into Explore or to the run, and so does the header, if it can."""
    urls = [link["url"] for link in panel["fieldConfig"]["defaults"]["links"]]

    assert urls
    assert all(explored(url) or urlsplit(url).path == "/d/otelstream-run" for url in urls)
    fixed = [url for url in urls[:1] if not re.search(r"\$\{__(data|field)", url)]
    assert [link["url"] for link in panel.get("links", [])] == fixed


@every_panel
def test_links_show_the_latest(board: Mapping[str, Any], panel: Panel) -> None:
    """A search behind a link asks for the latest, as Tempo else stops at any fifty; a trace has its id."""
    searches = [text for link in links_of(panel) for text in explored(link["url"]) if text != "${trace}"]

    assert [text for text in searches if not text.endswith(" } with (most_recent=true)")] == []


@every_panel
def test_links_lead_to_what_is_there(board: Mapping[str, Any], panel: Panel) -> None:
    """Links name dashboards, variables, fields and labels that exist."""
    uids = {board["uid"]: board for board in dashboards().values()}
    for link in links_of(panel):
        target = urlsplit(link["url"])
        if target.path.startswith("/d/"):
            there = uids[target.path.removeprefix("/d/")]
            filled = re.findall(r"var-(\w+)=", target.query) + re.findall(r"\{(\w+):queryparam", target.query)
            assert set(filled) <= set(variables_of(there))
        used = re.findall(r"\$\{(\w+)(?::\w+)?\}", link["url"])
        builtin = {"__from", "__to", "__url_time_range"}
        assert set(used) - builtin <= set(variables_of(board))


@every_panel
def test_clicked_values_have_what_links_ask_of_them(board: Mapping[str, Any], panel: Panel) -> None:
    """A label in a link is one by which the panel's queries group; a field is a column of its table."""
    columns = {"traceIdHidden"}
    for step in panel.get("transformations", []):
        rename = step["options"].get("renameByName", {})
        columns |= set(rename) | set(rename.values())
    for link in links_of(panel):
        assert set(re.findall(r"__data\.fields\.(\w+)", link["url"])) <= columns
        for label in re.findall(r"__field\.labels\.(\w+)", link["url"]):
            assert all(label in one.grouped for text in expressions(panel) for one in selectors(text))


@every_panel
def test_a_query_is_filtered_by_all_that_it_can_be(board: Mapping[str, Any], panel: Panel) -> None:
    """Each selector has a condition for each variable of the dashboard whose label its metric carries."""
    chosen = {name: FILTERS[name] for name in variables_of(board) if name in FILTERS}
    for text in expressions(panel):
        for selector in selectors(text):
            matched = {label: value for label, operator, value in selector.matchers if operator == "=~"}
            wanted = {name: label for name, label in chosen.items() if label in CARRIED[selector.metric]}
            assert {name for name, label in wanted.items() if f"${name}" in matched.get(label, "")} == set(
                wanted
            )


@every_panel
def test_histograms_are_asked_for_exemplars(board: Mapping[str, Any], panel: Panel) -> None:
    """Curves and heatmaps of a histogram show single measurements, which lead to their traces."""
    drawn = [target for target in panel["targets"] if target.get("range")]

    assert {target["exemplar"] for target in drawn if "_bucket{" in target["expr"]} <= {True}
    assert not any(target["exemplar"] for target in drawn if "_bucket{" not in target["expr"])


@every_panel
def test_series_of_processes_are_added_up(board: Mapping[str, Any], panel: Panel) -> None:
    """No query shows or divides single processes: each is within a sum, a maximum, or a count of them."""
    for text in expressions(panel):
        assert re.match(r"[( ]*(sum|max|count|histogram_quantile)\b", text)
        assert all("instance" not in one.grouped or text.startswith("count(") for one in selectors(text))


@every_panel
def test_quantiles_keep_the_boundaries(board: Mapping[str, Any], panel: Panel) -> None:
    """Buckets are grouped by `le`, or nothing could be computed of them."""
    buckets = [
        one for text in expressions(panel) for one in selectors(text) if one.metric.endswith("_bucket")
    ]

    assert all("le" in one.grouped for one in buckets)
