"""Panels of metrics: numbers, lines, bars, heatmaps, tables.

The SDK's enumerations are made of their values: types are checked for Python 3.10, which has no `StrEnum`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.models import common, heatmap, prometheus, stat, table, timeseries
from grafana_foundation_sdk.models.dashboard import (
    DashboardFieldConfigSourceOverrides,
    DashboardSpecialValueMapOptions,
    DataTransformerConfig,
    DynamicConfigValue,
    FieldConfig,
    FieldConfigSource,
    MatcherConfig,
    Panel,
    SpecialValueMap,
    SpecialValueMatch,
    ValueMappingResult,
)

from dashboards.panels.about import EMPTY_CELLS, NEUTRAL, About, described, thresholds
from dashboards.panels.promql import SMOOTH
from dashboards.panels.variables import METRICS

_MIN_STEP: Final = "1m"
"""OpenTelemetry's SDK exports once a minute: in a shorter step there may be no sample."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One query of a graph.

    Attributes:
        expression: In PromQL.
        legend: What each series is called; `{{label}}` stands for its value.
    """

    expression: str
    legend: str


@dataclass(frozen=True, slots=True)
class Column:
    """One column of numbers in a table.

    Attributes:
        title: What stands above it.
        expression: In PromQL, grouped as the table's other columns.
        unit: Grafana's name of the unit.
        levels: Values from which on a colour holds.
    """

    title: str
    expression: str
    unit: str = "short"
    levels: Sequence[tuple[float, str]] = NEUTRAL


def number(about: About, expression: str) -> Panel:
    """Return one number for all that the dashboard shows."""
    options = stat.Options(
        graph_mode=common.BigValueGraphMode("none"),
        color_mode=common.BigValueColorMode("background"),
        reduce_options=common.ReduceDataOptions(calcs=["lastNotNull"], fields="", values=False),
    )
    panel = Panel(type_val="stat", options=options, targets=[_instant("A", expression)])
    shown = FieldConfig(decimals=_decimals(about.unit), mappings=[_unknown(about)])
    panel.field_config = FieldConfigSource(defaults=shown)
    return described(panel, about, METRICS)


def lines(about: About, *curves: Curve) -> Panel:
    """Return curves over time."""
    drawn = common.GraphFieldConfig(
        draw_style=common.GraphDrawStyle("line"),
        line_width=2,
        fill_opacity=0,
        show_points=common.VisibilityMode("auto"),
        thresholds_style=_threshold_style(about),
    )
    return _graph(about, drawn, curves)


def bars(about: About, *curves: Curve) -> Panel:
    """Return stacked counts over time: each bar is what happened since the one before."""
    drawn = common.GraphFieldConfig(
        draw_style=common.GraphDrawStyle("bars"),
        line_width=0,
        fill_opacity=80,
        stacking=common.StackingConfig(mode=common.StackingMode("normal"), group="A"),
    )
    return _graph(about, drawn, curves)


def spread(about: About, expression: str) -> Panel:
    """Return a heatmap of a histogram's buckets; the unit is that of its axis, cells are counts."""
    options = heatmap.Options(
        calculate=False,
        color=heatmap.HeatmapColorOptions(
            mode=heatmap.HeatmapColorMode("scheme"),
            scheme="Oranges",
            fill="dark-orange",
            scale=heatmap.HeatmapColorScale("exponential"),
            exponent=0.5,
            steps=64,
            reverse=False,
        ),
        cell_values=heatmap.CellValues(unit="short"),
        y_axis=heatmap.YAxisConfig(unit=about.unit, axis_placement=common.AxisPlacement("left")),
        legend=heatmap.HeatmapLegend(show=True),
        tooltip=heatmap.HeatmapTooltip(mode=common.TooltipDisplayMode("single"), y_histogram=True),
        exemplars=heatmap.ExemplarConfig(color="rgba(255,0,255,0.7)"),
        cell_gap=1,
        filter_values=heatmap.FilterValueRange(le=1e-9),
        rows_frame=heatmap.RowsHeatmapOptions(layout=common.HeatmapCellLayout("auto")),
        show_value=common.VisibilityMode("never"),
    )
    target = _over_time("A", Curve(expression, "{{le}}"))
    target.format_val = prometheus.PromQueryFormat("heatmap")
    panel = Panel(type_val="heatmap", options=options, targets=[target])
    panel.field_config = FieldConfigSource(defaults=FieldConfig(custom=heatmap.FieldConfig()))
    return described(panel, about, METRICS)


def listing(about: About, label: str, heading: str, columns: Sequence[Column]) -> Panel:
    """Return a table with a row for each value of a label, the highest of the first column on top."""
    targets = [_instant(_ref(index), column.expression) for index, column in enumerate(columns)]
    for target in targets:
        target.format_val = prometheus.PromQueryFormat("table")
    titles = {f"Value #{_ref(index)}": column.title for index, column in enumerate(columns)}
    shape = [
        DataTransformerConfig(id_val="merge", options={}),
        DataTransformerConfig(
            id_val="organize",
            options={
                "excludeByName": {"Time": True},
                "indexByName": {label: 0, **{name: place for place, name in enumerate(titles, start=1)}},
                "renameByName": {label: heading, **titles},
            },
        ),
    ]
    sort = [common.TableSortByFieldState(display_name=columns[0].title, desc=True)]
    panel = Panel(
        type_val="table", options=table.Options(sort_by=sort), targets=[*targets], transformations=shape
    )
    panel.field_config = FieldConfigSource(
        defaults=FieldConfig(custom=common.TableFieldOptions()),
        overrides=[EMPTY_CELLS, *map(_column, columns)],
    )
    return described(panel, about, METRICS)


def graph_options() -> timeseries.Options:
    """Return a legend below the graph, and a tooltip with all that is not 0."""
    return timeseries.Options(
        legend=common.VizLegendOptions(
            calcs=[],
            display_mode=common.LegendDisplayMode("list"),
            placement=common.LegendPlacement("bottom"),
            show_legend=True,
        ),
        tooltip=common.VizTooltipOptions(
            mode=common.TooltipDisplayMode("multi"), sort=common.SortOrder("desc"), hide_zeros=True
        ),
    )


def _unknown(about: About) -> SpecialValueMap:
    # Without it Grafana has the colour of the lowest level behind it: green, as if nothing were wrong.
    said = ValueMappingResult(text=about.no_value, color="gray", index=0)
    return SpecialValueMap(DashboardSpecialValueMapOptions(SpecialValueMatch("null+nan"), said))


def _graph(about: About, drawn: common.GraphFieldConfig, curves: Sequence[Curve]) -> Panel:
    panel = Panel(
        type_val="timeseries",
        options=graph_options(),
        targets=[_over_time(_ref(index), curve) for index, curve in enumerate(curves)],
    )
    panel.field_config = FieldConfigSource(defaults=FieldConfig(custom=drawn, min_val=0))
    return described(panel, about, METRICS)


def _threshold_style(about: About) -> common.GraphThresholdsStyleConfig:
    shown = len(about.levels) > 1
    mode = common.GraphThresholdsStyleMode("dashed") if shown else common.GraphThresholdsStyleMode("off")
    return common.GraphThresholdsStyleConfig(mode=mode)


def _over_time(ref: str, curve: Curve) -> prometheus.Dataquery:
    return prometheus.Dataquery(
        ref_id=ref,
        datasource=METRICS,
        expr=curve.expression,
        legend_format=curve.legend,
        range_val=True,
        exemplar="_bucket{" in curve.expression,
        interval=_MIN_STEP,
    )


def _instant(ref: str, expression: str) -> prometheus.Dataquery:
    if SMOOTH in expression:
        raise ValueError(f"An instant query has no intervals; use $__range: {expression}")
    return prometheus.Dataquery(
        ref_id=ref, datasource=METRICS, expr=expression, instant=True, range_val=False
    )


def _column(column: Column) -> DashboardFieldConfigSourceOverrides:
    values: dict[str, object] = {
        "unit": column.unit,
        "decimals": _decimals(column.unit),
        "thresholds": thresholds(column.levels),
        "custom.cellOptions": {"type": "color-text" if len(column.levels) > 1 else "auto"},
    }
    return DashboardFieldConfigSourceOverrides(
        matcher=MatcherConfig(id_val="byName", options=column.title),
        properties=[DynamicConfigValue(id_val=key, value=value) for key, value in values.items()],
    )


def _decimals(unit: str) -> float | None:
    return 0 if unit == "short" else None


def _ref(index: int) -> str:
    return chr(ord("A") + index)
