"""The tables, above all those of spans, as Grafana's transformations and its table read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pytest

from tests.dashboards.panels.queries import dashboards

ALL: Final = {
    f"{board['uid']}: {panel['title']}": panel
    for board in dashboards().values()
    for panel in board["panels"]
    if panel["type"] == "table"
}
OF_SPANS: Final = {
    name: panel for name, panel in ALL.items() if panel["targets"][0].get("queryType") == "traceql"
}
every_table: Final = pytest.mark.parametrize("panel", OF_SPANS.values(), ids=list(OF_SPANS))


@pytest.mark.parametrize("panel", ALL.values(), ids=list(ALL))
def test_an_empty_cell_is_empty(panel: Mapping[str, Any]) -> None:
    """What is said of a table without rows, as "no run was traced", does not stand in single cells."""
    nothing = {
        "matcher": {"id": "byRegexp", "options": ".*"},
        "properties": [{"id": "noValue", "value": ""}],
    }

    assert panel["fieldConfig"]["defaults"]["noValue"]
    assert panel["fieldConfig"]["overrides"][0] == nothing


@every_table
def test_a_table_begins_with_when_what_and_how_long(panel: Mapping[str, Any]) -> None:
    """The first columns are those by the names that Grafana shows, which is how it looks them up."""
    places = panel["transformations"][-1]["options"]["indexByName"]

    assert sorted(places, key=places.__getitem__)[:3] == ["Start time", "Name", "Duration"]


@every_table
def test_a_table_is_alone_in_its_panel(panel: Mapping[str, Any]) -> None:
    """The progress of a streamed search would be a second table, with a list to choose one."""
    first = panel["transformations"][0]

    assert first == {"id": "filterByRefId", "options": {"exclude": "streaming-progress"}}


@every_table
def test_text_is_no_number(panel: Mapping[str, Any]) -> None:
    """Ids of digits stay what they are: Grafana would make 100 K of 100234, in the cell and in its link."""
    assert panel["fieldConfig"]["defaults"]["unit"] == "string"


@every_table
def test_the_id_that_links_need_is_not_shown(panel: Mapping[str, Any]) -> None:
    """It is a column of its own, which the search calls hidden in a way that tables no longer read."""
    hidden = {
        "matcher": {"id": "byName", "options": "traceIdHidden"},
        "properties": [{"id": "custom.hideFrom.viz", "value": True}],
    }

    assert hidden in panel["fieldConfig"]["overrides"]
