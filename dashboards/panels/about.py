"""What is said of every panel: title, meaning, unit, levels, and where its traces are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.dashboard import (
    DashboardFieldConfigSourceOverrides,
    DashboardLink,
    DynamicConfigValue,
    FieldColor,
    FieldColorModeId,
    FieldConfig,
    FieldConfigSource,
    GridPos,
    MatcherConfig,
    Panel,
    Threshold,
    ThresholdsConfig,
    ThresholdsMode,
)

_CLICKED: Final = re.compile(r"\$\{__(?:data|field|value|series)\b")
"""What is known only of a value that was clicked."""

GRID: Final = 24
"""How many columns Grafana's grid has."""

BAD_SHARE: Final = ((0.0, "green"), (0.01, "yellow"), (0.05, "red"))
BAD_COUNT: Final = ((0.0, "green"), (1.0, "red"))
NEUTRAL: Final = ((0.0, "blue"),)


EMPTY_CELLS: Final = DashboardFieldConfigSourceOverrides(
    matcher=MatcherConfig(id_val="byRegexp", options=".*"),
    properties=[DynamicConfigValue(id_val="noValue", value="")],
)
"""For tables: what is said of one without rows would else stand in each of its empty cells, too."""


@dataclass(frozen=True, slots=True)
class About:
    """What is said of a panel, whatever it draws.

    Attributes:
        title: A few words.
        description: What it shows, and what it does not.
        unit: Grafana's name of the unit.
        link: To the traces behind it.
        no_value: What stands there if nothing is known, which is not 0.
        levels: Values from which on a colour holds; the first one's value is not used.
        width: Columns of the grid.
        more: Further links of its values.
    """

    title: str
    description: str
    unit: str
    link: DashboardLink
    no_value: str = "no data"
    levels: Sequence[tuple[float, str]] = NEUTRAL
    width: int = 12
    more: Sequence[DashboardLink] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """Panels side by side.

    Attributes:
        height: Of all of them, in rows of the grid.
        panels: From left to right.
    """

    height: int
    panels: Sequence[Panel]


def described(panel: Panel, about: About, source: DataSourceRef) -> Panel:
    """Return the panel with all that is said of it; levels are its colours only where it draws numbers."""
    if panel.field_config is None:
        panel.field_config = FieldConfigSource()
    defaults = panel.field_config.defaults or FieldConfig()
    defaults.unit = about.unit
    defaults.no_value = about.no_value
    defaults.thresholds = thresholds(about.levels)
    defaults.links = [about.link, *about.more]
    if panel.type_val == "stat":
        defaults.color = FieldColor(mode=FieldColorModeId("thresholds"))
    panel.field_config.defaults = defaults
    panel.title, panel.description, panel.datasource = about.title, about.description, source
    if not _CLICKED.search(str(about.link.url)):
        # Grafana shows the links of values only where there is a value; in the header it is always there.
        panel.links = [about.link]
    panel.grid_pos = GridPos(w=about.width, h=0, x=0, y=0)
    return panel


def thresholds(levels: Sequence[tuple[float, str]]) -> ThresholdsConfig:
    """Return levels as Grafana has them: the first one holds from minus infinity on."""
    steps = [Threshold(None if index == 0 else value, colour) for index, (value, colour) in enumerate(levels)]
    return ThresholdsConfig(mode=ThresholdsMode("absolute"), steps=steps)


def arranged(rows: Sequence[Row]) -> list[Panel]:
    """Return the panels of all rows with their places and numbers.

    Raises:
        ValueError: A row is not as wide as the grid.
    """
    placed: list[Panel] = []
    top = 0
    for row in rows:
        left = 0
        for panel in row.panels:
            width = panel.grid_pos.w if panel.grid_pos is not None else GRID
            panel.grid_pos = GridPos(h=row.height, w=width, x=left, y=top)
            panel.id_val = len(placed) + 1
            placed.append(panel)
            left += width
        if left != GRID:
            raise ValueError(f"The row of {placed[-1].title!r} is {left} columns wide; make it {GRID}.")
        top += row.height
    return placed
