"""What a PromQL expression asks for: metrics, the labels asked of each, functions; by its grammar."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from tests.dashboards.panels.promql_tokens import PromqlError, Token, tokens

AGGREGATORS: Final = frozenset(
    {
        *("sum", "avg", "count", "min", "max", "group", "stddev", "stdvar"),
        *("topk", "bottomk", "count_values", "quantile"),
    }
)
FUNCTIONS: Final = frozenset(
    {
        *("abs", "ceil", "floor", "round", "clamp_min", "clamp_max", "scalar", "vector", "time", "timestamp"),
        *("rate", "irate", "increase", "delta", "changes", "resets", "absent", "histogram_quantile"),
        *("avg_over_time", "min_over_time", "max_over_time", "sum_over_time", "count_over_time"),
        *("last_over_time", "quantile_over_time", "label_replace", "sort", "sort_desc"),
    }
)
_BINARY: Final = frozenset(
    {"+", "-", "*", "/", "%", "^", "==", "!=", "<", ">", "<=", ">=", "and", "or", "unless"}
)
_MATCHING: Final = frozenset({"=", "!=", "=~", "!~"})


@dataclass(slots=True)
class Selector:
    """One selector of series.

    Attributes:
        metric: The name of the series.
        matchers: Label, operator and value of each condition.
        grouped: Labels that stand in `by`, `on` and the like around it.
    """

    metric: str
    matchers: list[tuple[str, str, str]] = field(default_factory=list)
    grouped: set[str] = field(default_factory=set)

    @property
    def labels(self) -> set[str]:
        """Every label that is asked of it."""
        return {label for label, _, _ in self.matchers} | self.grouped


def selectors(expression: str) -> list[Selector]:
    """Return the selectors of an expression, or of `label_values(selector, label)`.

    Raises:
        PromqlError: It is no PromQL, or has a function that is none of Prometheus'.
    """
    parser = _Parser(tokens(expression))
    found = parser.label_values() if expression.startswith("label_values(") else parser.expression()
    parser.take("end", "")
    return found


class _Parser:
    """Reads tokens from left to right; each method returns the selectors of what it has read."""

    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._at = 0

    def take(self, kind: str, *texts: str) -> str:
        """Return the next token's text and go on.

        Raises:
            PromqlError: It is something else.
        """
        token = self._next()
        if token.kind != kind or (texts and token.text not in texts):
            raise PromqlError(f"Expected {' or '.join(texts) or kind}, found {token.text or 'the end'!r}.")
        self._at += 1
        return token.text

    def label_values(self) -> list[Selector]:
        """Read Grafana's function of that name."""
        self.take("word", "label_values")
        self.take("bracket", "(")
        found = self._selector(self.take("word"))
        self.take("bracket", ",")
        found[0].grouped.add(self.take("word"))
        self.take("bracket", ")")
        return found

    def expression(self) -> list[Selector]:
        """Read operands and the operators between them."""
        found = self._operand()
        while self._next().text in _BINARY:
            self._at += 1
            self._skip_if("bool")
            grouped: set[str] = set()
            while self._next().text in {"on", "ignoring", "group_left", "group_right"}:
                self._at += 1
                grouped |= self._labels() if self._next().text == "(" else set()
            found += self._operand()
            _group(found, grouped)
        return found

    def _operand(self) -> list[Selector]:
        while self._next().text in {"+", "-"}:
            self._at += 1
        found = self._primary()
        while self._next().text in {"[", "offset", "@"}:
            if self.take(self._next().kind) == "[":
                self._moment()
                if self._skip_if(":") and self._next().text != "]":
                    self._moment()
                self.take("bracket", "]")
            else:
                self._skip_if("-")
                self._moment()
        return found

    def _primary(self) -> list[Selector]:
        token = self._next()
        if token.kind in {"number", "variable", "string"}:
            self._at += 1
            return []
        if token.text == "(":
            return self._arguments()
        if token.text == "{":
            raise PromqlError("A selector without a metric's name.")
        name = self.take("word")
        if name in AGGREGATORS:
            return self._aggregated()
        if self._next().text != "(":
            return self._selector(name)
        if name not in FUNCTIONS:
            raise PromqlError(f"There is no function {name!r}.")
        return self._arguments()

    def _aggregated(self) -> list[Selector]:
        grouped = self._grouping()
        found = self._arguments()
        _group(found, grouped | self._grouping())
        return found

    def _grouping(self) -> set[str]:
        return self._labels() if self._skip_if("by") or self._skip_if("without") else set()

    def _arguments(self) -> list[Selector]:
        self.take("bracket", "(")
        found: list[Selector] = []
        while self._next().text != ")":
            found += self.expression()
            self._skip_if(",")
        self.take("bracket", ")")
        return found

    def _selector(self, metric: str) -> list[Selector]:
        found = Selector(metric)
        if self._skip_if("{"):
            while self._next().text != "}":
                label = self.take("word")
                operator = self.take("operator", *_MATCHING)
                found.matchers.append((label, operator, self.take("string")[1:-1]))
                self._skip_if(",")
            self.take("bracket", "}")
        return [found]

    def _labels(self) -> set[str]:
        self.take("bracket", "(")
        found = set()
        while self._next().text != ")":
            found.add(self.take("word"))
            self._skip_if(",")
        self.take("bracket", ")")
        return found

    def _moment(self) -> None:
        if self._next().kind not in {"duration", "variable", "number"}:
            raise PromqlError(f"Expected a duration, found {self._next().text!r}.")
        self._at += 1

    def _skip_if(self, text: str) -> bool:
        found = self._next().text == text and self._next().kind != "string"
        self._at += found
        return found

    def _next(self) -> Token:
        return self._tokens[self._at]


def _group(found: list[Selector], labels: set[str]) -> None:
    for selector in found:
        selector.grouped |= labels
