"""TraceQL searches answered from received spans, trace by trace, as Tempo's documentation describes it.

For searches only: what makes a curve is parsed and not computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from tests.dashboards.traceql_fields import compared, values_of
from tests.dashboards.traceql_grammar import AGGREGATES, parse
from tests.dashboards.traceql_tree import Call, Filter, Node, Operation, Pipeline
from tests.e2e.received import ReceivedSpan

Spanset: TypeAlias = tuple[ReceivedSpan, ...]
_REDUCE: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {
    "sum": sum,
    "max": max,
    "min": min,
    "avg": lambda values: sum(values) / len(values),
}


@dataclass(frozen=True, slots=True)
class Trace:
    """The spans of one trace, and who is whose child."""

    spans: Spanset

    def parent(self, span: ReceivedSpan) -> ReceivedSpan | None:
        """Return the span around another, None if it is not here."""
        return next((other for other in self.spans if other.span_id == span.parent_span_id), None)

    def is_child(self, span: ReceivedSpan, of: ReceivedSpan) -> bool:
        """Tell whether a span is directly beneath another."""
        return span.parent_span_id == of.span_id

    def is_descendant(self, span: ReceivedSpan, of: ReceivedSpan) -> bool:
        """Tell whether a span is somewhere beneath another."""
        parent = self.parent(span)
        return parent is not None and (parent is of or self.is_descendant(parent, of))


def search(query: str, spans: Iterable[ReceivedSpan]) -> list[ReceivedSpan]:
    """Return the spans that a search finds, in their order; each once.

    Raises:
        TraceqlError: It is no TraceQL of Tempo 3.0.
        ValueError: It is no search, or uses what is not needed here yet.
    """
    tree, found = parse(query), set[str]()
    by_trace: dict[str, list[ReceivedSpan]] = {}
    for span in spans:
        by_trace.setdefault(span.trace_id, []).append(span)
    for members in by_trace.values():
        trace = Trace(tuple(members))
        for spanset in _piped(tree, trace, [trace.spans]):
            found.update(span.span_id for span in spanset)
    return [span for members in by_trace.values() for span in members if span.span_id in found]


def _piped(pipeline: Pipeline, trace: Trace, spansets: list[Spanset]) -> list[Spanset]:
    for stage in pipeline.stages:
        spansets = [after for before in spansets for after in _stage(stage, trace, before) if after]
    return spansets


def _stage(stage: Node, trace: Trace, spanset: Spanset) -> list[Spanset]:
    if not isinstance(stage, Call):
        return [_selected(stage, trace, spanset)]
    if stage.function == "select":
        return [spanset]
    if stage.function == "by":
        groups: dict[str, list[ReceivedSpan]] = {}
        for span in spanset:
            groups.setdefault(repr(values_of(stage.arguments[0], span)), []).append(span)
        return [tuple(group) for group in groups.values()]
    return [spanset] if _reached(stage, spanset) else []


def _reached(stage: Call, spanset: Spanset) -> bool:
    if stage.function not in AGGREGATES or stage.value is None:
        raise ValueError(f"{stage.function} is not computed here")
    (wanted,) = values_of(stage.value, spanset[0])
    if stage.function == "count":
        return compared(stage.operator, len(spanset), wanted)
    values = [value for span in spanset for value in values_of(stage.arguments[0], span)]
    numbers = [value for value in values if isinstance(value, int | float)]
    return bool(numbers) and compared(stage.operator, _REDUCE[stage.function](numbers), wanted)


def _selected(node: Node, trace: Trace, spanset: Spanset) -> Spanset:
    if isinstance(node, Filter):
        condition = node.condition
        return tuple(span for span in spanset if condition is None or True in values_of(condition, span))
    if isinstance(node, Pipeline):
        return _union(trace, *_piped(node, trace, [spanset]))
    if not isinstance(node, Operation) or node.left is None:
        raise ValueError(f"{node} selects no spans")
    left, right = _selected(node.left, trace, spanset), _selected(node.right, trace, spanset)
    if node.operator in ("&&", "||"):
        return _union(trace, left, right) if node.operator == "||" or (left and right) else ()
    return _related(node.operator, trace, left, right)


def _related(operator: str, trace: Trace, left: Spanset, right: Spanset) -> Spanset:
    relations: dict[str, Callable[[ReceivedSpan, ReceivedSpan], bool]] = {
        ">": trace.is_child,
        "<": lambda span, of: trace.is_child(of, span),
        ">>": trace.is_descendant,
        "<<": lambda span, of: trace.is_descendant(of, span),
        "~": lambda span, of: span is not of and span.parent_span_id == of.parent_span_id,
    }
    related = relations[operator.lstrip("!&")]
    if operator[0] == "!":
        return tuple(span for span in right if not any(related(span, of) for of in left))
    found = tuple(span for span in right if any(related(span, of) for of in left))
    both = tuple(of for of in left if any(related(span, of) for span in right))
    return _union(trace, found, both) if operator[0] == "&" else found


def _union(trace: Trace, *spansets: Spanset) -> Spanset:
    return tuple(span for span in trace.spans if any(span in spanset for spanset in spansets))
