"""Links from a panel to the traces behind it: into Explore by TraceQL, or to *Run detail* by a trace's id."""

from __future__ import annotations

import json
import re
from typing import Final
from urllib.parse import quote

from grafana_foundation_sdk.models.dashboard import DashboardLink, DashboardLinkType

from dashboards.panels.traceql import LATEST

RUN_DETAIL: Final = "otelstream-run"

_KEPT: Final = "${metrics:queryparam}&${traces:queryparam}&${__url_time_range}"
_PLACEHOLDER: Final = re.compile(r"(\$\{[^}]+\})")


def to_explore(title: str, query: str) -> DashboardLink:
    """Return a link that shows a trace by its id, or the latest spans of a search, in Explore.

    It keeps the dashboard's time range.

    What variables escape for regular expressions would break the JSON in the address: there they are joined
    as they are, so that a dot in a name fits any character.
    """
    query = query.replace(":regex}", ":pipe}") + (LATEST if query.startswith("{") else "")
    pane = {
        "datasource": "${traces}",
        "queries": [
            {
                "refId": "A",
                "datasource": {"type": "tempo", "uid": "${traces}"},
                "queryType": "traceql",
                "query": query,
                "tableType": "spans",
                "limit": 50,
            }
        ],
        "range": {"from": "${__from}", "to": "${__to}"},
    }
    panes = json.dumps({"runs": pane}, separators=(",", ":"))
    # Grafana fills placeholders before the address is read, and finds none that is percent-encoded.
    encoded = "".join(
        text if _PLACEHOLDER.fullmatch(text) else quote(text, safe="") for text in _PLACEHOLDER.split(panes)
    )
    return _link(title, f"/explore?schemaVersion=1&panes={encoded}")


def to_run(field: str) -> DashboardLink:
    """Return a link to *Run detail* with the trace whose id is in that field of the row."""
    return to_dashboard("This run in detail", RUN_DETAIL, f"var-trace=${{__data.fields.{field}}}")


def to_dashboard(title: str, uid: str, *parameters: str) -> DashboardLink:
    """Return a link to another dashboard, with the same data sources and time range."""
    return _link(title, f"/d/{uid}?{'&'.join([*parameters, _KEPT])}")


def in_sight(link: DashboardLink) -> DashboardLink:
    """Return the link where Grafana has links; the SDK puts each into a menu that must be opened first."""
    link.placement = None  # type: ignore[assignment]  # no text says so, only none at all
    return link


def _link(title: str, url: str) -> DashboardLink:
    return in_sight(DashboardLink(title=title, type_val=DashboardLinkType("link"), url=url))
