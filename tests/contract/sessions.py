"""Random sessions and random scripts for them: any frames, any end, and whatever a program may do."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from types import ModuleType
from typing import Any, Final

from hypothesis import strategies as st
from pydantic import BaseModel

from otelstream.frame import StreamFrame, envelope_of
from recorder import session as ours
from tests.contract.programs import Async, Sync, frame
from tests.contract.transcripts import PROJECTIONS, Close, Hold, LetGo, Script, Source, Step, Take, With
from tests.recorder.odd import EQUAL
from tests.recorder.test_fidelity import TEXTS, VALUES, frames

CREWAI: Final = "crewai.types.streaming"
CHANNELS: Final = ("llm", "flow", "tools", "messages", "lifecycle", "custom", "telepathy")


class OrderRejectedError(Exception):
    """An exception whose constructor takes other arguments than it passes on."""

    def __init__(self, order: int, *, reason: str) -> None:
        super().__init__(order, reason)
        self.order = order

    def __str__(self) -> str:
        return f"order {self.args[0]} was rejected: {self.args[1]}"


class Line(BaseModel):
    """A result that is a model."""

    article: str
    price: Decimal = Decimal("1.10")


@dataclass(frozen=True, repr=False)
class Run:
    """What a program's session does: its frames, then its result, its exception or neither.

    Attributes:
        frames: The frames, of our class.
        results: The result as a tuple of one, or an empty one.
        error: Makes the exception that ends it.
    """

    frames: list[StreamFrame]
    results: tuple[object, ...] = ()
    error: Callable[[], Exception] | None = None

    def __repr__(self) -> str:
        return f"Run({repr(self.frames)[:5_000]}, {repr(self.results)[:500]}, {self.error})"

    def stream(self, library: ModuleType = ours) -> Sync:
        """A session with `for`: closing it early waits for the end of the run, as CrewAI's does."""

        def run() -> Iterator[Any]:
            try:
                yield from self._frames_for(library)
                if self.error is not None:
                    raise self.error()
            finally:
                if self.results:
                    session._set_result(self.results[0])

        session: Sync = library.StreamSession(sync_iterator=run())
        return session

    def astream(self, library: ModuleType = ours) -> Async:
        """A session with `async for`: closing it early cancels the run, as CrewAI's does."""

        async def run() -> AsyncIterator[Any]:
            for each in self._frames_for(library):
                yield each
            if self.error is not None:
                raise self.error()
            if self.results:
                session._set_result(self.results[0])

        session: Async = library.AsyncStreamSession(async_iterator=run())
        return session

    def _frames_for(self, library: ModuleType) -> list[Any]:
        if library is ours:
            return [each.model_copy() for each in self.frames]
        return [library.StreamFrame.model_construct(**envelope_of(each)) for each in self.frames]


def library() -> ModuleType:
    """The module of the session classes that a replay takes now."""
    return sys.modules.get(CREWAI, ours)


def caused(error: Exception, cause: Exception | None) -> Exception:
    """The exception, raised from another or from None."""
    error.__cause__ = cause
    return error


ERRORS: Final[st.SearchStrategy[Callable[[], Exception]]] = st.one_of(
    TEXTS.map(lambda text: lambda: ValueError(text)),
    st.lists(TEXTS | st.integers() | st.none(), max_size=3).map(lambda args: lambda: RuntimeError(*args)),
    TEXTS.map(lambda text: lambda: OrderRejectedError(7, reason=text)),
    TEXTS.map(lambda text: lambda: caused(LookupError(text), OrderRejectedError(1, reason="sold out"))),
    st.sampled_from(
        [
            KeyError,
            lambda: FileNotFoundError(2, "No such file", "a.txt"),
            lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
            lambda: json.JSONDecodeError("Expecting value", "{", 1),
            lambda: TimeoutError("too late"),
            lambda: caused(ConnectionError("gone"), None),
        ]
    ),
)
RESULTS: Final = st.one_of(
    VALUES,
    TEXTS.map(lambda text: Line(article=text)),
    st.binary(max_size=20).map(lambda data: {1: (data, Decimal("2.50"))}),
)
SOURCES: Final[st.SearchStrategy[Source]] = st.one_of(
    st.sampled_from(PROJECTIONS), st.lists(st.sampled_from(CHANNELS), max_size=4).map(tuple)
)
COUNTS: Final = st.integers(0, 4)
SIMPLE: Final[st.SearchStrategy[Step]] = st.one_of(
    st.builds(Take, SOURCES, st.none() | COUNTS),
    st.builds(Hold, st.integers(0, 1), SOURCES, COUNTS),
    st.builds(LetGo, st.integers(0, 1)),
    st.just(Close()),
)
STEPS: Final[st.SearchStrategy[Step]] = SIMPLE | st.builds(
    With, st.lists(SIMPLE, max_size=3).map(tuple), st.booleans()
)
SCRIPTS: Final[st.SearchStrategy[Script]] = st.lists(STEPS, min_size=1, max_size=6).map(
    lambda steps: (*steps, Take("events"), Take("events"), Close())
)
"""Whatever happens, at last all is iterated that is left, then what is cached."""


ODDITIES: Final = st.one_of(
    # By name: to say which it was, hypothesis would print all of them.
    st.sampled_from([name for name in EQUAL if name != "10-megabytes"]).map(
        lambda name: EQUAL[name].model_copy(deep=True)
    ),
    st.integers(100_000, 300_000).map(lambda size: frame(data={"chunk": "é" * size})),
)
SECRET: Final = "sk-proj-Zx81kQpLw03MnRt7VbYc52HdGfJs94Ae"  # the shape of a key, and nobody's
_SECRET_DATA: Final[list[dict[str, Any]]] = [
    {"agent": {"llm": {"api_key": "a key of no known shape"}}},
    {"chunk": f"the key is {SECRET}, do not tell"},
    {"task": f"LLM(model='m', api_key='{SECRET}')"},
    {"chunk": SECRET[:9], "call_id": "one"},
    {"chunk": SECRET[9:], "call_id": "one"},
]
SECRETS: Final = st.sampled_from(_SECRET_DATA).map(lambda data: frame(data=dict(data)))


@st.composite
def runs(draw: st.DrawFn, of: st.SearchStrategy[StreamFrame] = ODDITIES, min_size: int = 0) -> Run:
    """Any run: of frames of all channels, and some of the given; it ends well, badly, or without a result."""
    found = draw(st.lists(frames() | frames() | of, min_size=min_size, max_size=10))
    for each in found:
        each.channel = draw(st.sampled_from(CHANNELS) | st.just(each.channel))
    end = draw(st.sampled_from(["result", "result", "error", "nothing"]))
    return Run(
        found,
        (draw(RESULTS),) if end == "result" else (),
        draw(ERRORS) if end == "error" else None,
    )
