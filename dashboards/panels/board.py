"""A dashboard made of its variables and rows of panels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.models.dashboard import (
    AnnotationContainer,
    Dashboard,
    DashboardCursorSync,
    DashboardDashboardTemplating,
    DashboardDashboardTime,
    DashboardLink,
    DashboardLinkType,
    VariableModel,
)

from dashboards.panels.about import Row, arranged
from dashboards.panels.links import in_sight
from dashboards.panels.variables import data_sources

_TAG: Final = "otelstream"


@dataclass(frozen=True, slots=True)
class Board:
    """What one dashboard has of its own.

    Attributes:
        file: Name of its file, without `.json`.
        uid: By which links find it.
        title: As people see it.
        description: Which question it answers.
        variables: Besides the data sources.
        rows: Its panels from top to bottom.
        since: How far back it looks at first, in Grafana's words.
    """

    file: str
    uid: str
    title: str
    description: str
    variables: Sequence[VariableModel]
    rows: Sequence[Row]
    since: str = "now-6h"


def dashboard_of(board: Board) -> Dashboard:
    """Return the dashboard as Grafana's model."""
    others = DashboardLink(
        title="otelstream",
        type_val=DashboardLinkType("dashboards"),
        tags=[_TAG],
        as_dropdown=True,
        include_vars=True,
        keep_time=True,
    )
    return Dashboard(
        uid=board.uid,
        title=board.title,
        description=board.description,
        tags=[_TAG],
        editable=True,
        graph_tooltip=DashboardCursorSync.CROSSHAIR,
        time=DashboardDashboardTime(from_val=board.since, to="now"),
        refresh="1m",  # how often metrics arrive
        schema_version=41,
        panels=[*arranged(board.rows)],
        templating=DashboardDashboardTemplating(list_val=[*data_sources(), *board.variables]),
        annotations=AnnotationContainer(),
        links=[in_sight(others)],
    )
