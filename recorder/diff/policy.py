"""What a comparison sets aside because it differs between two runs of the same code: a table of rules.

Read it top to bottom. A rule never hides more than a value of its own kind: no time is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from otelstream.errors import UsageError
from recorder.diff.paths import Places, parsed

Fits = Callable[[object], bool]

_TIME: Final = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?\Z"
)
_EARLIEST_S: Final = 1e9
_NUMBER: Final = r"-?\d+(?:\.\d+)?(?:e-?\d+)?"
_NUMBER_TEXT: Final = re.compile(_NUMBER + r"\Z")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_amount(value: object) -> bool:
    """Tell whether it is a number, or one as text, which is what is left of it deep in a frame."""
    return _NUMBER_TEXT.match(value) is not None if isinstance(value, str) else _is_number(value)


def _is_time(value: object) -> bool:
    if isinstance(value, str):
        return _TIME.match(value) is not None
    return _is_number(value) and value >= _EARLIEST_S  # type: ignore[operator]  # a number, as was asked


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of value that two runs of the same code do not share.

    Attributes:
        name: What `Policy.aside` calls it.
        meaning: What it sets aside, in words.
        keys: Keys whose values it means, as a regular expression that must match all of the key.
        fits: Which of those values it means; others are compared.
        texts: What it means inside of longer strings, as a regular expression.
        frame_field: A field of the frame itself.
        unordered: Whether the lists under those keys are sets, to be compared without their order.
    """

    name: str
    meaning: str
    keys: str | None = None
    fits: Fits = _is_amount
    texts: str | None = None
    frame_field: str | None = None
    unordered: bool = False


_MEASURED: Final = r"(?:\w+_)?(?:duration|elapsed|latency|time)_(?:ms|ns)|execution_time|\w+_duration"
# What is deep in a frame is the text of an object: {'execution_time': 0.1}, Tool(current_usage_count=1).
_IN_TEXT: Final = r"(?<![A-Za-z0-9_])(?:{keys})(?:['\"]: |=)" + _NUMBER

RULES: Final = (
    Rule(
        "times",
        "Moments: the frame's `timestamp`, values of `…_at`, `…_time` and `timestamp` that are dates or"
        " seconds since 1970, and dates with fractions of a second inside of texts.",
        keys=r"(?:\w+_)?(?:at|time|timestamp)",
        fits=_is_time,
        texts=r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.,]\d{3,9}(?:Z|[+-]\d\d:?\d\d)?"
        r"|datetime\.datetime\([^()]*\)",
        frame_field="timestamp",
    ),
    Rule(
        "durations",
        "Numbers under `duration`, `elapsed`, `latency`, `execution_time`, and under the same with a unit.",
        keys=rf"{_MEASURED}|(?:\w+_)?(?:duration|elapsed|latency)(?:_(?:s|seconds))?",
        texts=_IN_TEXT.format(keys=_MEASURED),
    ),
    Rule("addresses", "Memory addresses (`0x7f…`) inside of texts.", texts=r"\b0x[0-9a-fA-F]{9,16}\b"),
    Rule(
        "counters",
        "How often a tool object was used (`current_usage_count`): one that serves several runs goes on"
        " counting, and one that is not really run does not count.",
        keys="current_usage_count",
        texts=_IN_TEXT.format(keys="current_usage_count"),
    ),
    Rule(
        "numbering",
        "The frame's `seq`: it begins anywhere, and under threads it is no order. The order of arrival is"
        " compared.",
        frame_field="seq",
    ),
    Rule(
        "sets",
        "The order of `processed_by_agents`, which is a set.",
        keys="processed_by_agents",
        unordered=True,
    ),
    Rule(
        "surroundings",
        "What a session was started in: ids of frames outside of it, and the frames that name the coding"
        " agent under which CrewAI thinks it runs (`default_env` and the like).",
    ),
    Rule(
        "tokens",
        "Token counts of models (`…_tokens`). Not set aside unless you say so: they are what a run costs.",
        keys=r"(?:\w+_)?tokens(?:_\w+)?",
    ),
)
"""All rules. docs/DIFF.md has them as a table."""

DEFAULT: Final = frozenset(rule.name for rule in RULES) - {"tokens"}

Chunks = Literal["exact", "text"]


@dataclass(frozen=True)
class Policy:
    """What a comparison sets aside. Ids are always compared by what they point to, never as text.

    Attributes:
        aside: Names of rules (`recorder.diff.RULES`).
        ignore: JSON paths in a frame that are not compared, as `$.data.cost` or `$..cost`; the outcome is a
            frame with `$.state`, `$.result` and `$.error`.
        chunks: `exact` compares token by token; `text` the text that the tokens of a call make together.

    Raises:
        UsageError: There is no such rule, or a path is none.
    """

    aside: frozenset[str] = DEFAULT
    ignore: tuple[str, ...] = ()
    chunks: Chunks = "exact"

    def __post_init__(self) -> None:
        """Refuse what is no rule and no path."""
        names = [rule.name for rule in RULES]
        for name in sorted(self.aside - set(names)):
            raise UsageError(f"{name!r} is no rule of a comparison; there are {', '.join(names)}.")
        if self.chunks not in ("exact", "text"):
            raise UsageError(f"chunks={self.chunks!r} is not known; it is 'exact' or 'text'.")
        _ = self.ignored

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that apply."""
        return tuple(rule for rule in RULES if rule.name in self.aside)

    @cached_property
    def ignored(self) -> Places:
        """The places that are not compared."""
        return tuple(parsed(path) for path in self.ignore)
