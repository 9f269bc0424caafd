"""TraceQL parsed: the tree of a query, or why Tempo 3.0 would refuse it.

By recursive descent over the language that Tempo's documentation describes. Left out, and so refused, is what
3.0 does not have: arithmetic between metrics, `parent`, and comparisons of two aggregates.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tests.dashboards.traceql_tokens import INTRINSICS, Token, TraceqlError, scope_and_name, tokens
from tests.dashboards.traceql_tree import Call, Filter, Leaf, Node, Operation, Pipeline

STATICS: Final = frozenset(
    {
        *("true", "false", "nil", "minInt", "maxInt", "ok", "error", "unset"),
        *("unspecified", "internal", "server", "client", "producer", "consumer"),
    }
)
AGGREGATES: Final = ("count", "avg", "max", "min", "sum")
METRICS: Final = (
    *("rate", "count_over_time", "min_over_time", "max_over_time", "avg_over_time", "sum_over_time"),
    *("quantile_over_time", "histogram_over_time", "compare"),
)
TOPS: Final = ("topk", "bottomk")
HINTS: Final = frozenset({"sample", "span_sample", "trace_sample", "exemplars", "most_recent"})
_WITHOUT_ARGUMENT: Final = ("count", "rate", "count_over_time")
_COMPARISONS: Final = ("=", "!=", "<", "<=", ">", ">=")
_FIELD_LEVELS: Final = (("&&", "||"), (*_COMPARISONS, "=~", "!~"), ("+", "-"), ("*", "/", "%"), ("^",))
_STRUCTURE: Final = (
    ">>",
    "<<",
    ">",
    "<",
    "~",
    "!>>",
    "!<<",
    "!>",
    "!<",
    "!~",
    "&>>",
    "&<<",
    "&>",
    "&<",
    "&~",
)
_SPANSET_LEVELS: Final = (("&&", "||"), _STRUCTURE)


def parse(query: str) -> Pipeline:
    """Return the tree of a query.

    Raises:
        TraceqlError: It is no TraceQL of Tempo 3.0.
    """
    return _Parser(query).query()


class _Parser:
    def __init__(self, query: str) -> None:
        self._query = query
        self._tokens = tokens(query)
        self._next = 0

    def query(self) -> Pipeline:
        found = self._pipeline()
        hints = self._hints() if self._take("with") else ()
        if self._next < len(self._tokens):
            raise self._refused("the end, or |, or an operator")
        return Pipeline(found.stages, hints)

    def _pipeline(self) -> Pipeline:
        stages: list[Node] = [self._stage(first=True, measured=False)]
        while True:
            measured = any(isinstance(stage, Call) and stage.function in METRICS for stage in stages)
            if self._take("|"):
                stages.append(self._stage(first=False, measured=measured))
            elif measured and self._peek() in _COMPARISONS:
                stages.append(Call("", (), (), self._any(), self._number()))
            else:
                return Pipeline(tuple(stages))

    def _stage(self, *, first: bool, measured: bool) -> Node:
        name = self._peek()
        if measured:
            return self._call(TOPS, "topk or bottomk, as behind a metric")
        if name in ("{", "("):
            return self._levels(_SPANSET_LEVELS, self._spanset)
        allowed = (
            ("by", "select", *AGGREGATES) if first else ("by", "select", "coalesce", *AGGREGATES, *METRICS)
        )
        return self._call(allowed, "a set of spans or a function")

    def _spanset(self) -> Node:
        if self._take("{"):
            condition = None if self._peek() == "}" else self._field()
            self._expect("}")
            return Filter(condition)
        self._expect("(")
        found = self._pipeline()
        if any(isinstance(stage, Call) and stage.function in METRICS for stage in found.stages):
            raise TraceqlError(f"{self._query!r}: Tempo 3.0 has no arithmetic between metrics.")
        self._expect(")")
        return found

    def _call(self, allowed: tuple[str, ...], wanted: str) -> Call:
        if self._peek() not in allowed:
            raise self._refused(wanted)
        function = self._any()
        self._expect("(")
        arguments = () if self._peek() == ")" else self._arguments(function)
        if bool(arguments) == (function in (*_WITHOUT_ARGUMENT, "coalesce")):
            raise self._refused(
                f"{function}() without arguments" if arguments else f"what {function} is about"
            )
        self._expect(")")
        if function in AGGREGATES:
            if self._peek() not in _COMPARISONS:
                raise self._refused(f"a comparison behind {function}(…)")
            return Call(function, arguments, (), self._any(), self._number())
        by: tuple[Node, ...] = ()
        if function in METRICS and function != "compare" and self._take("by"):
            self._expect("(")
            by = self._listed(self._name)
            self._expect(")")
        return Call(function, arguments, by)

    def _arguments(self, function: str) -> tuple[Node, ...]:
        if function in TOPS:
            return (self._number(),)
        if function == "compare":
            return self._spanset(), *(self._listed(self._number) if self._take(",") else ())
        if function == "select":
            return self._listed(self._name)
        if function == "quantile_over_time":
            about = self._name()
            self._expect(",")
            return about, *self._listed(self._number)
        return (self._name() if function in METRICS else self._field(),)

    def _field(self) -> Node:
        return self._levels(_FIELD_LEVELS, self._operand)

    def _levels(self, levels: tuple[tuple[str, ...], ...], operand: Callable[[], Node]) -> Node:
        if not levels:
            return operand()
        found = self._levels(levels[1:], operand)
        while self._peek() in levels[0]:
            found = Operation(self._any(), found, self._levels(levels[1:], operand))
        return found

    def _operand(self) -> Node:
        if self._peek() in ("-", "!"):
            return Operation(self._any(), None, self._operand())
        if self._take("("):
            found = self._field()
            self._expect(")")
            return found
        token = self._token()
        if token is not None and token.kind in ("string", "duration", "number", "variable"):
            self._next += 1
            return Leaf(token)
        if token is not None and token.text in STATICS:
            self._next += 1
            return Leaf(token)
        return self._name()

    def _name(self) -> Leaf:
        token = self._token()
        if token is not None and (token.kind == "attribute" or token.text in INTRINSICS):
            if scope_and_name(token)[0] == "parent":
                raise TraceqlError(f"{self._query!r}: Tempo 3.0 does not have {token.text}.")
            self._next += 1
            return Leaf(token)
        raise self._refused("an attribute with its scope, an intrinsic or a value")

    def _number(self) -> Node:
        if self._take("-"):
            return Operation("-", None, self._number())
        token = self._token()
        if token is None or token.kind not in ("number", "duration", "variable"):
            raise self._refused("a number or a duration")
        self._next += 1
        return Leaf(token)

    def _hints(self) -> tuple[str, ...]:
        self._expect("(")
        names: list[str] = []
        while True:
            if self._peek() not in HINTS:
                raise self._refused(f"a hint ({', '.join(sorted(HINTS))})")
            names.append(self._any())
            self._expect("=")
            self._any()
            if not self._take(","):
                break
        self._expect(")")
        return tuple(names)

    def _listed(self, read: Callable[[], Node]) -> tuple[Node, ...]:
        found = [read()]
        while self._take(","):
            found.append(read())
        return tuple(found)

    def _token(self) -> Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _peek(self) -> str:
        token = self._token()
        return "" if token is None or token.kind == "string" else token.text

    def _any(self) -> str:
        token = self._token()
        if token is None:
            raise self._refused("more")
        self._next += 1
        return token.text

    def _take(self, text: str) -> bool:
        found = self._peek() == text
        self._next += found
        return found

    def _expect(self, text: str) -> None:
        if not self._take(text):
            raise self._refused(text)

    def _refused(self, wanted: str) -> TraceqlError:
        token = self._token()
        found = "its end" if token is None else f"{token.text!r} at {token.at}"
        return TraceqlError(f"{self._query!r}: expected {wanted}, found {found}.")
