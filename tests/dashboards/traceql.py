"""Which names a TraceQL query uses, and which of them nothing of ours ever has.

`unknown_names` is what tests of dashboards and documents call; wrong syntax raises `TraceqlError`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, TypeVar

from tests.dashboards.traceql_grammar import parse
from tests.dashboards.traceql_tokens import INTRINSICS, scope_and_name
from tests.dashboards.traceql_tree import Call, Filter, Leaf, Node, Operation, Pipeline

T = TypeVar("T")

MAPPING: Final = Path(__file__).parents[2] / "docs" / "MAPPING.md"

RESOURCE: Final = frozenset(
    {
        *("service.name", "service.namespace", "service.instance.id", "service.version"),
        *("deployment.environment.name", "host.name", "process.pid"),
        *("telemetry.sdk.name", "telemetry.sdk.language", "telemetry.sdk.version"),
    }
)
"""What OpenTelemetry says a resource may be described by, as far as our pages use it."""


_TRACE_ID: Final = re.compile(r"[0-9a-fA-F]{16,32}|\$\w+|\$\{\w+(?::\w+)?\}")
"""What Grafana takes for the id of a trace where a query could stand."""


@dataclass(frozen=True, slots=True)
class Names:
    """What a query refers to, each in the order of its first use.

    Attributes:
        attributes: Scope (empty without one) and name.
        intrinsics: As they are written, `span:name` or `name`.
        functions: Of the pipeline: aggregates, metrics, `by`, `select`.
        hints: Behind `with`.
    """

    attributes: tuple[tuple[str, str], ...]
    intrinsics: tuple[str, ...]
    functions: tuple[str, ...]
    hints: tuple[str, ...]


def names_of(query: str) -> Names:
    """Return what a query refers to; `$x`, `${x:regex}` and `[[x]]` may stand for values.

    Raises:
        TraceqlError: It is no TraceQL of Tempo 3.0.
    """
    if _TRACE_ID.fullmatch(query.strip()):
        return Names((), (), (), ())
    tree = parse(query)
    nodes = list(_nodes(tree))
    leaves = [node.token for node in nodes if isinstance(node, Leaf)]
    functions: list[str] = []
    for node in nodes:
        if isinstance(node, Call) and node.function:
            functions += [node.function, *(["by"] if node.by else [])]
    return Names(
        _once(scope_and_name(token) for token in leaves if token.kind == "attribute"),
        _once(token.text for token in leaves if token.text in INTRINSICS and token.kind != "string"),
        _once(functions),
        tree.hints,
    )


def unknown_names(query: str) -> list[str]:
    """Return the attributes of a query that are neither in MAPPING.md nor OpenTelemetry's of resources.

    Raises:
        TraceqlError: It is no TraceQL of Tempo 3.0, as with an unknown intrinsic or function.
    """
    return [f"{scope}.{name}" for scope, name in names_of(query).attributes if not _is_known(scope, name)]


@cache
def mapped_names() -> tuple[str, ...]:
    """Return the names that MAPPING.md lists for attributes; `prefix.*` stands for all with that prefix."""
    section = MAPPING.read_text(encoding="utf-8").partition("\n## Names\n")[2].partition("\n## ")[0]
    return tuple(re.findall(r"^- `([^`]+)`$", section, re.MULTILINE))


def is_mapped(name: str) -> bool:
    """Tell whether MAPPING.md lists an attribute, or a pattern that it is of."""
    return any(
        name.startswith(mapped[:-1]) and name != mapped[:-1] if mapped.endswith("*") else name == mapped
        for mapped in mapped_names()
    )


def _is_known(scope: str, name: str) -> bool:
    if scope == "resource":
        return name in RESOURCE
    if scope == "instrumentation":
        return False
    return is_mapped(name) or (scope == "" and name in RESOURCE)


def _nodes(node: Node | None) -> Iterator[Node]:
    if node is not None:
        yield node
        for child in _children(node):
            yield from _nodes(child)


def _children(node: Node) -> tuple[Node | None, ...]:
    match node:
        case Leaf():
            return ()
        case Operation():
            return node.left, node.right
        case Filter():
            return (node.condition,)
        case Call():
            return *node.arguments, *node.by, node.value
        case Pipeline():
            return node.stages


def _once(found: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(found))
