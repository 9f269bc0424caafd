"""The variables of the dashboards: two data sources, and what a person may choose."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.dashboard import (
    VariableModel,
    VariableOption,
    VariableRefresh,
    VariableSort,
    VariableType,
)

from dashboards.panels.metrics import AGENTS, CALLS, FRAMES, RUNS, TOOLS, label_name
from otelstream.span import names

METRICS: Final = DataSourceRef("prometheus", "${metrics}")
TRACES: Final = DataSourceRef("tempo", "${traces}")

_OF_SERVICE: Final = 'job=~"(.+/)?($service)"'


def data_sources() -> list[VariableModel]:
    """Return the variables for Prometheus and Tempo, so that a dashboard fits any Grafana."""
    return [
        _data_source("metrics", "Metrics", "prometheus", "otelstream-prometheus"),
        _data_source("traces", "Traces", "tempo", "otelstream-tempo"),
    ]


def service() -> VariableModel:
    """Return the services that report metrics; a namespace in front of the name is left out."""
    return _labels("service", "Service", f"label_values({FRAMES.family}, job)", regex="/^(?:.+\\/)?(.+)$/")


def flow() -> VariableModel:
    """Return what runs there are, each by the name of its own span, shown without its first word."""
    query = f"label_values({RUNS.count}{{{_OF_SERVICE}}}, {label_name(names.RUN_NAME)})"
    return _labels("flow", "Flow", query, regex=f"/^(?<value>(?:{names.INVOKE_WORKFLOW} )?(?<text>.+))$/")


def model() -> VariableModel:
    """Return the models that were called."""
    condition = f'{label_name(names.OPERATION_NAME)}="{names.CHAT}"'
    query = f"label_values({CALLS.count}{{{_OF_SERVICE}, {condition}}}, {label_name(names.REQUEST_MODEL)})"
    return _labels("model", "Model", query)


def agent() -> VariableModel:
    """Return the agents that worked."""
    query = f"label_values({AGENTS.count}{{{_OF_SERVICE}}}, {label_name(names.AGENT_NAME)})"
    return _labels("agent", "Agent", query)


def tool() -> VariableModel:
    """Return the tools that were used."""
    query = f"label_values({TOOLS.count}{{{_OF_SERVICE}}}, {label_name(names.TOOL_NAME)})"
    return _labels("tool", "Tool", query)


def conversation() -> VariableModel:
    """Return the conversations of the traces: no metric has them, so they filter tables of spans only."""
    found = _many("conversation", "Conversation")
    found.description = (
        "Of the traces in the chosen time. Where there is none, Grafana says that the scope of the tag was "
        "not found, and all is shown."
    )
    found.datasource = TRACES
    found.query = {
        "refId": "TempoDatasourceVariableQueryEditor-VariableQuery",
        "type": 1,  # Grafana's number for "label values"
        "label": names.CONVERSATION_ID,
    }
    return found


def trace() -> VariableModel:
    """Return the field for a trace's id."""
    return VariableModel(
        type_val=VariableType("textbox"),
        name="trace",
        label="Trace id",
        description="32 hexadecimal digits; links of the other dashboards fill it in.",
        query="",
        current=VariableOption(text="", value=""),
    )


def _data_source(name: str, label: str, plugin: str, uid: str) -> VariableModel:
    return VariableModel(
        type_val=VariableType("datasource"),
        name=name,
        label=label,
        query=plugin,
        current=VariableOption(text=uid, value=uid),
        refresh=VariableRefresh.ON_DASHBOARD_LOAD,
    )


def _labels(name: str, label: str, query: str, regex: str | None = None) -> VariableModel:
    found = _many(name, label)
    found.datasource = METRICS
    found.definition = query
    found.query = {"qryType": 1, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"}
    found.regex = regex
    return found


def _many(name: str, label: str) -> VariableModel:
    return VariableModel(
        type_val=VariableType("query"),
        name=name,
        label=label,
        multi=True,
        include_all=True,
        all_value=".*",
        current=VariableOption(text=["All"], value=["$__all"]),
        refresh=VariableRefresh.ON_TIME_RANGE_CHANGED,
        sort=VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC,
    )
