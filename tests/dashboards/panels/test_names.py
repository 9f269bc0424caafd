"""Every name in every query is one that otelstream emits, and the test would notice one that is not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from dashboards.panels.metrics import METRICS, label_name
from tests.dashboards.panels.emitted import (
    attribute_types,
    attributes,
    kinds,
    mapped_metrics,
    series,
    strangers,
)
from tests.dashboards.panels.promql import selectors
from tests.dashboards.panels.promql_tokens import PromqlError
from tests.dashboards.panels.queries import (
    Query,
    dashboards,
    link_queries,
    panel_queries,
    variable_queries,
)
from tests.dashboards.traceql import is_mapped, names_of
from tests.dashboards.traceql_tokens import Token, TraceqlError, tokens

QUERIES = [*panel_queries(), *variable_queries(), *link_queries()]
DISTINCT = {(query.language, query.text): query for query in QUERIES}


def names_in(query: Query) -> list[str]:
    """Return the names that a query has of ours, as they stand in its text."""
    if query.language == "promql":
        found = [name for one in selectors(query.text) for name in (one.metric, *one.labels)]
        return sorted(set(found) - {"job", "instance", "le"})
    used = names_of(query.text)
    return sorted({f"{scope}.{name}" for scope, name in used.attributes} | set(used.intrinsics))


def renamed(query: Query, name: str) -> Query:
    """Return the query with another name in the place of that one."""
    text = re.sub(rf"(?<![\w.:]){re.escape(name)}(?![\w.:])", f"{name}x", query.text)
    assert text != query.text
    return replace(query, text=text)


def is_fine(query: Query) -> bool:
    """Tell whether nobody would complain about a query."""
    try:
        return not strangers(query)
    except (TraceqlError, PromqlError):
        return False


def test_every_query_names_what_is_emitted() -> None:
    """Metrics, labels, attributes, intrinsics and functions of panels, variables and links are known."""
    assert {(query.dashboard, query.panel): found for query in QUERIES if (found := strangers(query))} == {}


def test_any_other_name_would_be_noticed() -> None:
    """Each name in each query, changed by one letter, is reported or refused."""
    changed = [
        (query.dashboard, query.panel, name, renamed(query, name))
        for query in DISTINCT.values()
        for name in names_in(query)
    ]

    assert [where for *where, query in changed if is_fine(query)] == []


def test_there_is_something_to_check() -> None:
    """All languages and places are found: were one of them empty, nothing would be checked of it."""
    counts = {
        "promql in panels": sum(query.language == "promql" for query in panel_queries()),
        "traceql in panels": sum(query.language == "traceql" for query in panel_queries()),
        "variables": len(list(variable_queries())),
        "links": len(list(link_queries())),
    }
    least = {"promql in panels": 50, "traceql in panels": 10, "variables": 8, "links": 50}

    assert {place: counts[place] >= number for place, number in least.items()} == dict.fromkeys(least, True)


def test_columns_of_tables_are_attributes() -> None:
    """What transformations of tables of spans name is selected by their query, or one of Grafana's fields."""
    fields = {"time", "Start time", "Name", "Duration", "statusMessage"}

    assert [
        (panel["title"], key)
        for board in dashboards().values()
        for panel in board["panels"]
        if panel["targets"][0].get("queryType") == "traceql"
        for key in named_by(panel) - fields
        if not (is_mapped(key) and f"span.{key}" in panel["targets"][0]["query"])
    ] == []


def named_by(panel: Mapping[str, Any]) -> set[str]:
    """Return the fields that the transformations of a panel name."""
    found: set[str] = set()
    for step in panel.get("transformations", []):
        options = step["options"]
        found |= set(options.get("renameByName", {})) | set(options.get("indexByName", {}))
        found |= {one["targetField"] for one in options.get("conversions", [])}
        found |= set(options.get("include", {}).get("names", []))
    return found


def test_numbers_are_of_the_kind_of_their_attribute() -> None:
    """Tempo finds fractions only by a number with a point, and whole numbers only by one without."""
    known = attribute_types()
    wrong = [
        (query.panel, attribute.text, number.text)
        for query in DISTINCT.values()
        if query.language == "traceql"
        for attribute, _, number in triples(query.text)
        if attribute.kind == "attribute" and number.kind == "number"
        if ("." in number.text) != (known.get(attribute.text.removeprefix("span.")) is float)
    ]

    assert known["gen_ai.response.time_to_first_chunk"] is float
    assert wrong == []


def triples(text: str) -> list[tuple[Token, Token, Token]]:
    """Return each three tokens of a query that follow each other."""
    found = tokens(text)
    return list(zip(found, found[1:], found[2:], strict=False))


def test_metrics_are_those_of_the_mapping() -> None:
    """Name, unit and kind of each metric that the dashboards read are those of MAPPING.md and the meter."""
    read = {metric.name: (metric.unit, metric.kind) for metric in METRICS}

    assert read == {name: (mapped_metrics()[name], kinds()[name]) for name in read}


def test_the_attributes_of_each_metric_are_all_known() -> None:
    """Whatever measurements carry is in the table, so that no variable is left out of a query's filter."""
    known = {metric.name: set(metric.attributes) for metric in METRICS}

    assert {name: attributes().get(name, set()) - known[name] for name in known} == {
        name: set() for name in known
    }


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("otelstream_frame_total", ["otelstream_frame_total"]),
        ("otelstream_frames", ["otelstream_frames"]),
        ('otelstream_frames_total{model="m"}', ["model"]),
        ("sum by (gen_ai_tool_name) (otelstream_dropped_total)", ["gen_ai_tool_name"]),
        ("sum(otelstream_dropped_total) by (reasons)", ["reasons"]),
        ("otelstream_runs_active / on (flow) otelstream_runs_active", ["flow", "flow"]),
        ("gen_ai_client_token_usage_total", ["gen_ai_client_token_usage_total"]),
        ("label_values(otelstream_runs_active, flow)", ["flow"]),
        ('gen_ai_client_token_usage_sum{gen_ai_token_type="input"}', []),
    ],
)
def test_strangers_are_told(expression: str, found: list[str]) -> None:
    """A metric that is nobody's is told, and so is a label that this metric does not carry."""
    assert strangers(Query("d", "p", "promql", expression)) == found


@pytest.mark.parametrize(
    "expression",
    ["sum(", "fast(otelstream_frames_total)", "a{b}", 'a{b="c}', "a b", "{}", "a[b]", "sum(a) by b", "a["],
)
def test_what_is_no_promql_is_refused(expression: str) -> None:
    """An expression that Prometheus would refuse is refused here."""
    with pytest.raises(PromqlError):
        selectors(expression)


def test_series_are_named_as_prometheus_does() -> None:
    """Units become words, units in braces vanish, counters end in `_total`, histograms have three series."""
    some = ("otelstream_r", "otelstream_commit", "otelstream_st", "gen_ai_client_token")

    assert sorted(name for name in series() if name.startswith(some)) == [
        "gen_ai_client_token_usage_bucket",
        "gen_ai_client_token_usage_count",
        "gen_ai_client_token_usage_sum",
        "otelstream_commit_duration_seconds_bucket",
        "otelstream_commit_duration_seconds_count",
        "otelstream_commit_duration_seconds_sum",
        "otelstream_run_duration_seconds_bucket",
        "otelstream_run_duration_seconds_count",
        "otelstream_run_duration_seconds_sum",
        "otelstream_runs_active",
        "otelstream_stalls_total",
    ]


def test_labels_are_attributes_with_underscores() -> None:
    """Whatever is no letter, digit or underscore becomes an underscore."""
    assert label_name("gen_ai.request.model") == "gen_ai_request_model"
