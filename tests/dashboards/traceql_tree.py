"""The tree of a TraceQL query."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from tests.dashboards.traceql_tokens import Token


@dataclass(frozen=True, slots=True)
class Leaf:
    """A literal, an attribute, an intrinsic or a Grafana variable."""

    token: Token


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator between fields or sets of spans; `left` is None where it stands in front of one."""

    operator: str
    left: Node | None
    right: Node


@dataclass(frozen=True, slots=True)
class Filter:
    """`{ … }`: the spans for which the condition holds, all without one."""

    condition: Node | None


@dataclass(frozen=True, slots=True)
class Call:
    """A function of a pipeline with what it is about, how it is grouped and what it is compared with.

    Attributes:
        function: Its name.
        arguments: Fields, filters and numbers.
        by: What a metric is grouped by.
        operator: How its value is compared, if it is.
        value: What it is compared with.
    """

    function: str
    arguments: tuple[Node, ...] = ()
    by: tuple[Node, ...] = ()
    operator: str = ""
    value: Node | None = None


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Stages, one after the other, and the hints behind them."""

    stages: tuple[Node, ...]
    hints: tuple[str, ...] = field(default=())


Node: TypeAlias = "Leaf | Operation | Filter | Call | Pipeline"
