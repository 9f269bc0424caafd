"""TraceQL as text: which spans a table shows."""

from __future__ import annotations

from typing import Final

from dashboards.panels.metrics import label_name
from otelstream.span import names

SERVICE: Final = "resource.service.name =~ `${service:regex}`"

RUN: Final = f"span.{names.FRAMES} != nil"
"""The span of a whole run: it alone says how many frames it had."""

CALL: Final = f'span.{names.OPERATION_NAME} = "{names.CHAT}"'
AGENT: Final = f'span.{names.OPERATION_NAME} = "{names.INVOKE_AGENT}"'
TOOL: Final = f'span.{names.OPERATION_NAME} = "{names.EXECUTE_TOOL}"'
FAILED: Final = "status = error"
RUN_FAILED: Final = f'span.{names.END} =~ "failed|cut"'
FLOW: Final = "span:name =~ `${flow:regex}`"
"""The name of a run's own span is the run's name."""

TRACE: Final = 'trace:id = "${trace}"'

LATEST: Final = " with (most_recent=true)"
"""What makes Tempo find the latest traces; without it, it stops at any so many."""


def spans(*conditions: str) -> str:
    """Return a filter of spans that meet all conditions."""
    return f"{{ {' && '.join(conditions)} }}"


def chosen(attribute: str, variable: str) -> str:
    """Return a condition that lets spans without the attribute pass, too, where "All" is chosen."""
    return f"(span.{attribute} =~ `${{{variable}:regex}}` || `${{{variable}:regex}}` = `.*`)"


def same(attribute: str) -> str:
    """Return a condition for the value of that label in the series that was clicked."""
    return f"span.{attribute} = {of_series(label_name(attribute))}"


def of_series(label: str) -> str:
    """Return the value of a label in the series that was clicked; as it stands in a link, it is encoded."""
    return f"`${{__field.labels.{label}:percentencode}}`"


def of_row(field: str) -> str:
    """Return the value of a field in the row that was clicked, likewise."""
    return f"`${{__data.fields.{field}:percentencode}}`"


def selected(query: str, *columns: str) -> str:
    """Return a query whose answer has these attributes (and `statusMessage`) as columns."""
    scoped = [column if "." not in column else f"span.{column}" for column in columns]
    return f"{query} | select({', '.join(scoped)})"
