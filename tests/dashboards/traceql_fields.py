"""What a field of a TraceQL query is on a received span.

A value that is a map counts as missing, since Tempo stores it and does not search it; of a list any element
may match. Times are in nanoseconds.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from itertools import product
from operator import add, ge, gt, le, lt, mul, sub, truediv
from typing import Final, TypeAlias

from tests.dashboards.traceql_tokens import INTRINSICS, Token, scope_and_name
from tests.dashboards.traceql_tree import Leaf, Node, Operation
from tests.e2e.received import ReceivedSpan

Value: TypeAlias = object

RESOURCE: Final[dict[str, object]] = {"service.name": "demo"}
"""What stands for the resource of every span: received spans are told without theirs."""

_UNITS_NS: Final = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_ORDER: Final[Mapping[str, Callable[[float, float], bool]]] = {">": gt, ">=": ge, "<": lt, "<=": le}
_ARITHMETIC: Final[Mapping[str, Callable[[float, float], float]]] = {
    "+": add,
    "-": sub,
    "*": mul,
    "/": truediv,
}
_INTRINSICS: Final[Mapping[str, Callable[[ReceivedSpan], list[Value]]]] = {
    "name": lambda span: [span.name],
    "duration": lambda span: [span.end_ns - span.start_ns],
    "status": lambda span: [span.status.lower()],
    "statusMessage": lambda span: [span.status_message],
    "kind": lambda span: [span.kind.lower()],
    "trace:id": lambda span: [span.trace_id],
    "id": lambda span: [span.span_id],
    "parentID": lambda span: [span.parent_span_id],
    "event:name": lambda span: [event.name for event in span.events],
    "event:timeSinceStart": lambda span: [event.time_ns - span.start_ns for event in span.events],
    "link:traceID": lambda span: [link.trace_id for link in span.links],
    "link:spanID": lambda span: [link.span_id for link in span.links],
}


def values_of(node: Node, span: ReceivedSpan) -> list[Value]:
    """Return what a field may be on a span: nothing, one value, or each of several."""
    if isinstance(node, Leaf):
        return _leaf(node.token, span)
    if not isinstance(node, Operation):
        raise TypeError(f"{node} is no field")
    right = values_of(node.right, span)
    if node.left is None:
        return [
            (not value) if node.operator == "!" else -value
            for value in right
            if isinstance(value, int | float)
        ]
    left = values_of(node.left, span)
    if node.operator in ("&&", "||"):
        return [True in left and True in right if node.operator == "&&" else True in left or True in right]
    if isinstance(node.right, Leaf) and node.right.token.text == "nil":
        return [bool(left) == (node.operator == "!=")]
    if node.operator in _ARITHMETIC:
        return [_ARITHMETIC[node.operator](a, b) for a, b in product(left, right)]  # type: ignore[arg-type]
    every = node.operator in ("!=", "!~")
    pairs = [pair for pair in product(left, right) if not _is_literal(node) or _is_stored_alike(*pair)]
    answers = [compared(node.operator, a, b) for a, b in pairs]
    return [bool(answers) and (all(answers) if every else any(answers))]


def _is_literal(node: Operation) -> bool:
    kinds = {side.token.kind for side in (node.left, node.right) if isinstance(side, Leaf)}
    return kinds == {"attribute", "number"}


def _is_stored_alike(left: Value, right: Value) -> bool:
    """Tell whether Tempo has two values in one column: for `> 2` it reads integers, for `> 2.0` floats."""
    return type(left) is type(right)


def compared(operator: str, left: Value, right: Value) -> bool:
    """Compare two values as an operator says; those of different types are neither equal nor in an order."""
    if operator in ("=", "!="):
        return (left == right) == (operator == "=")
    if operator in ("=~", "!~"):
        return (re.fullmatch(str(right), str(left)) is not None) == (operator == "=~")
    if isinstance(left, int | float) and isinstance(right, int | float):
        return _ORDER[operator](left, right)
    return isinstance(left, str) and isinstance(right, str) and _ORDER[operator](left, right)  # type: ignore[arg-type]


def _leaf(token: Token, span: ReceivedSpan) -> list[Value]:
    if token.kind == "attribute":
        return _attribute(*scope_and_name(token), span)
    if token.kind == "string":
        return [token.text[1:-1] if token.text[0] == "`" else ast.literal_eval(token.text)]
    if token.kind == "number":
        return [int(token.text) if token.text.isdigit() else float(token.text)]
    if token.kind == "duration":
        parts = re.findall(r"([\d.]+)([a-zµ]+)", token.text)
        return [sum(float(number) * _UNITS_NS[unit] for number, unit in parts)]
    name = token.text.removeprefix("span:")
    if name in _INTRINSICS:
        return _INTRINSICS[name](span)
    if token.text in INTRINSICS:
        raise ValueError(f"{token.text} is not known of received spans")
    return [{"true": True, "false": False}.get(token.text, token.text)]


def _attribute(scope: str, name: str, span: ReceivedSpan) -> list[Value]:
    holders: dict[str, list[dict[str, object]]] = {
        "span": [span.attributes],
        "": [span.attributes],
        "event": [event.attributes for event in span.events],
        "link": [link.attributes for link in span.links],
        "resource": [RESOURCE],
    }
    found: list[Value] = []
    for attributes in holders[scope]:
        value = attributes.get(name)
        if isinstance(value, list | tuple):
            found += [item for item in value if not isinstance(item, dict | list | tuple)]
        elif value is not None and not isinstance(value, dict):
            found.append(value)
    return found
