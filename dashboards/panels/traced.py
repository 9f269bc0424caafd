"""Panels of traces: tables of spans, one trace, its graph, and numbers that its spans carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from grafana_foundation_sdk.models import common, nodegraph, table, tempo
from grafana_foundation_sdk.models.dashboard import (
    DashboardFieldConfigSourceOverrides,
    DataTransformerConfig,
    DynamicConfigValue,
    FieldConfig,
    FieldConfigSource,
    MatcherConfig,
    Panel,
)

from dashboards.panels.about import EMPTY_CELLS, About, described
from dashboards.panels.measured import graph_options
from dashboards.panels.traceql import LATEST, selected
from dashboards.panels.variables import TRACES

TRACE_FIELD: Final = "traceIdHidden"
"""The field of Grafana's tables of spans that holds the trace's id; it is there though it is not shown."""

_TIME: Final = "Start time"
_FIRST: Final = (_TIME, "Name", "Duration")
"""What Grafana itself calls these columns; transformations know a column by the name that is shown."""
_SPANS_OF_A_TRACE: Final = 100
"""Tempo returns no more of one trace, whatever is asked for."""


@dataclass(frozen=True, slots=True)
class Found:
    """Which spans a table shows, and what of them.

    Attributes:
        query: A filter of spans in TraceQL.
        columns: Headings by attribute (or `statusMessage`).
        traces: How many traces are looked at.
        spans: How many spans of each.
        units: Grafana's names of units by attribute, where there is one.
    """

    query: str
    columns: Mapping[str, str]
    traces: int = 50
    spans: int = 20
    units: Mapping[str, str] = field(default_factory=dict)


def spans_table(about: About, found: Found) -> Panel:
    """Return a table with a row for each span, the latest on top."""
    places = {name: place for place, name in enumerate((*_FIRST, *found.columns))}
    shape = [
        _FOUND_ONLY,
        DataTransformerConfig(
            id_val="organize",
            options={
                "excludeByName": {},
                "indexByName": places,
                "renameByName": {"Name": "Span", **found.columns},
            },
        ),
    ]
    target = _search(selected(found.query, *found.columns) + LATEST, found.traces, found.spans)
    panel = Panel(
        type_val="table",
        options=table.Options(sort_by=[common.TableSortByFieldState(display_name=_TIME, desc=True)]),
        targets=[target],
        transformations=shape,
    )
    units = {"Duration": "ns", **{found.columns[key]: unit for key, unit in found.units.items()}}
    panel.field_config = FieldConfigSource(
        defaults=FieldConfig(custom=common.TableFieldOptions()),
        overrides=[EMPTY_CELLS, *(_set(name, "unit", unit) for name, unit in units.items()), _HIDDEN],
    )
    # As text: of any other unit Grafana makes 100 K of the conversation 100234, and links then lead nowhere.
    return described(panel, replace(about, unit="string"), TRACES)


def whole_trace(about: About) -> Panel:
    """Return the trace whose id the variable holds, as a timeline."""
    return described(Panel(type_val="traces", options={}, targets=[_by_id()]), about, TRACES)


def trace_graph(about: About) -> Panel:
    """Return the same trace as a graph; the data source must have its node graph enabled."""
    options = nodegraph.Options()
    return described(Panel(type_val="nodeGraph", options=options, targets=[_by_id()]), about, TRACES)


def points(about: About, query: str, values: Mapping[str, str]) -> Panel:
    """Return numbers that spans carry as bars, each at its span's start.

    Args:
        about: What is said of the panel.
        query: A filter of spans of one trace in TraceQL.
        values: Headings by attribute.
    """
    drawn = common.GraphFieldConfig(
        draw_style=common.GraphDrawStyle("bars"),
        fill_opacity=60,
        line_width=1,
        show_points=common.VisibilityMode("always"),
        bar_max_width=12,
    )
    panel = Panel(
        type_val="timeseries",
        options=graph_options(),
        targets=[_search(selected(query, *values), 1, _SPANS_OF_A_TRACE)],
        transformations=_as_numbers(values),
    )
    panel.field_config = FieldConfigSource(defaults=FieldConfig(custom=drawn, min_val=0))
    return described(panel, about, TRACES)


def counted(about: About, query: str) -> Panel:
    """Return what a TraceQL metrics query finds as stacked bars; its series are named by Tempo."""
    drawn = common.GraphFieldConfig(
        draw_style=common.GraphDrawStyle("bars"),
        line_width=0,
        fill_opacity=80,
        stacking=common.StackingConfig(mode=common.StackingMode("normal"), group="A"),
    )
    target = tempo.Dataquery(
        ref_id="A",
        datasource=TRACES,
        query_type=tempo.TempoQueryType("traceql"),
        query=query,
        metrics_query_type=tempo.MetricsQueryType("range"),
        exemplars=100,
    )
    panel = Panel(type_val="timeseries", options=graph_options(), targets=[target])
    panel.field_config = FieldConfigSource(defaults=FieldConfig(custom=drawn, min_val=0))
    return described(panel, about, TRACES)


def _as_numbers(values: Mapping[str, str]) -> list[DataTransformerConfig]:
    # Grafana's tables of spans hold every attribute as text, and the latest span first.
    numbers = [{"targetField": name, "destinationType": "number"} for name in values]
    kept = {"include": {"names": ["time", _TIME, *values]}}
    return [
        DataTransformerConfig(id_val="filterFieldsByName", options=kept),
        DataTransformerConfig(id_val="convertFieldType", options={"fields": {}, "conversions": numbers}),
        DataTransformerConfig(
            id_val="sortBy", options={"fields": {}, "sort": [{"field": _TIME, "desc": False}]}
        ),
        DataTransformerConfig(
            id_val="organize",
            options={"excludeByName": {}, "indexByName": {}, "renameByName": dict(values)},
        ),
    ]


def _search(query: str, traces: int, spans: int) -> tempo.Dataquery:
    return tempo.Dataquery(
        ref_id="A",
        datasource=TRACES,
        query_type=tempo.TempoQueryType("traceql"),
        query=query,
        table_type=tempo.SearchTableType("spans"),
        limit=traces,
        spss=min(spans, _SPANS_OF_A_TRACE),
    )


def _by_id() -> tempo.Dataquery:
    return tempo.Dataquery(
        ref_id="A", datasource=TRACES, query_type=tempo.TempoQueryType("traceql"), query="${trace}"
    )


def _set(heading: str, key: str, value: object) -> DashboardFieldConfigSourceOverrides:
    return DashboardFieldConfigSourceOverrides(
        matcher=MatcherConfig(id_val="byName", options=heading),
        properties=[DynamicConfigValue(id_val=key, value=value)],
    )


_FOUND_ONLY: Final = DataTransformerConfig(id_val="filterByRefId", options={"exclude": "streaming-progress"})
"""Without how far the search is: Grafana has it as a second table, and a list to choose one beneath them."""

_HIDDEN: Final = _set(TRACE_FIELD, "custom.hideFrom.viz", value=True)
"""Tempo's streamed tables say `hidden`, which Grafana's tables no longer read."""
