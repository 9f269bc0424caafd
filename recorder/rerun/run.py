"""The `with` block of a re-execution."""

from __future__ import annotations

import importlib
import os
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Final, Literal

from typing_extensions import Self

from otelstream.errors import RerunError
from otelstream.redact import Redactor, secret_values
from recorder.listing import Selector
from recorder.reader import Recording
from recorder.rerun.calls import recorded_calls
from recorder.rerun.failures import Failures
from recorder.rerun.report import Report
from recorder.rerun.requests import Kind
from recorder.rerun.serving import OnMiss, Served, Serving
from recorder.rerun.stop import RunStopped
from recorder.session_row import RecordedSession

if TYPE_CHECKING:
    from recorder.diff import Comparable, Diff

_KINDS: Final[dict[str, Kind]] = {"llm": "llm", "tools": "tool"}


class Rerun:
    """Serves the calls of everything that is run in its `with` block, and in threads and tasks begun there.

    Made by `rerun`. Other code that runs meanwhile is not touched, nor are reruns in other contexts.

    Attributes:
        session: The recorded session; known inside of the block and after it.
    """

    session: RecordedSession

    def __init__(self, path: Path, selector: Selector, settings: Served) -> None:
        self._path, self._selector, self._settings = path, selector, settings
        self._serving: Serving | None = None
        self._entered = ExitStack()

    @property
    def report(self) -> Report:
        """What became of the calls: until now, or once the block was left, in all."""
        return Report() if self._serving is None else self._serving.report

    def diff(self, live: Comparable) -> Diff:
        """Return in what a run differs from the recorded one: its consumed stream session, or its recording.

        Raises:
            RecordingError: A file cannot be read.
        """
        from recorder.diff import diff  # only where it is asked for

        return diff(self._path, live, session=self._selector)

    def __enter__(self) -> Self:
        """Begin to serve.

        Raises:
            RecordingError: The file is missing, no recording, of a newer format, or damaged.
            SessionNotFoundError: It holds no such session.
            RerunError: CrewAI is missing, or too different a version of it; or the block was entered before.
        """
        if self._serving is not None:
            raise RerunError("A rerun is entered once; call `recorder.rerun` again for another.")
        seam = _seam()
        self._serving = Serving(self._loaded())
        self._entered.enter_context(seam.active(self._serving))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Cease to serve.

        Raises:
            DivergedError: The run asked for something else than the recorded one.
            RerunError: It needed what no recording can serve.
        """
        serving = self._serving
        self._entered.close()
        if serving is None or serving.error is None or error is serving.error:
            return
        if error is None or isinstance(error, RunStopped):
            raise serving.error from None
        if isinstance(error, Exception):
            raise serving.error from error

    def _loaded(self) -> Served:
        with Recording(self._path) as recording:
            self.session = recording.session(self._selector)
            frames = list(recording.frames(self.session))
        end = self.session.end
        served = [call for call in recorded_calls(frames) if call.name.kind in self._settings.kinds]
        redactor = self._settings.redactor
        if not self.session.start.redacted:
            redactor = None
        return replace(
            self._settings,
            calls=tuple(served),
            failures=Failures(frames, None if end is None else end.error),
            redactor=redactor,
        )


def rerun(
    path: str | os.PathLike[str],
    session: Selector = "last",
    *,
    serve: Collection[Literal["llm", "tools"]] = frozenset(("llm", "tools")),
    on_miss: OnMiss = "error",
    run_tools: Collection[str] = (),
    redactor: Redactor | None = None,
) -> Rerun:
    """Return a `with` block in which the program's own code runs on a recording: no network, no key.

    Inside of it, models answer and tools return what they did in the recorded run, streamed as it was; no
    body of a tool runs. A call is found by where it is made (the flow, method, task and agent around it), by
    what it asks (ids and addresses aside), and by how often that was asked there before. What does not fit
    stops the run.

    What a recording does not hold is refused: memory, knowledge, embeddings, human input, remote agents, and
    lists of tools of MCP servers. Clocks, random numbers and the program's own requests are left alone.

    Args:
        path: The recording.
        session: `last`, an index, an id or the beginning of one, or a name.
        serve: What is served; calls of the other kind are made.
        on_miss: What happens at a call that the recording does not hold: `error` stops the run, `live` makes
            the call, and counts it in the report.
        run_tools: Names of tools whose bodies do run, with what they ask of models and other tools served:
            tools that run a crew or a flow. Otherwise what happened inside of a tool does not happen again.
        redactor: The rules with which the session was recorded, if not the default ones; requests are masked
            by them before they are compared. Ignored if it was recorded with `redact=False`.

    Raises:
        RerunError: An argument has a value that cannot be used.
    """
    unknown = set(serve) - _KINDS.keys()
    if unknown or not serve:
        raise RerunError(f"serve={set(serve) or '{}'} cannot be used; give 'llm', 'tools' or both.")
    if on_miss not in ("error", "live"):
        raise RerunError(f"on_miss={on_miss!r} cannot be used; give 'error' or 'live'.")
    settings = Served(
        calls=(),
        failures=Failures((), None),
        kinds=frozenset(_KINDS[kind] for kind in serve),
        on_miss=on_miss,
        redactor=(redactor or Redactor()).knowing(secret_values(os.environ)),
        run_tools=frozenset(run_tools),
    )
    return Rerun(Path(path), session, settings)


def _seam() -> ModuleType:
    try:
        return importlib.import_module("recorder.rerun.seam")
    except ImportError as error:
        raise RerunError(
            f"A rerun needs CrewAI, as this version knows it ({error}); install otelstream[crewai]."
        ) from error
