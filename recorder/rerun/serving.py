"""One re-execution under way: matches live calls with recorded ones, and remembers what went wrong first.

Knows frames and calls, and nothing of CrewAI; `seam` asks it from whichever thread a call is made in.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from otelstream.errors import DivergedError, RerunError
from otelstream.frame import FrameLike
from otelstream.redact import Redactor
from recorder.causal import CausalPath, CausalPaths
from recorder.rerun.calls import CallName, RecordedCall, rooted
from recorder.rerun.failures import Failures
from recorder.rerun.ledger import Ledger
from recorder.rerun.mismatch import changed, diverged
from recorder.rerun.report import Report
from recorder.rerun.requests import Kind, Request, model_request, tool_request
from recorder.rerun.stop import RunStopped

OnMiss = Literal["error", "live"]


@dataclass(frozen=True, slots=True)
class Served:
    """What a re-execution is served from.

    Attributes:
        calls: The recorded calls of the kinds in `kinds`.
        failures: Makes the exceptions of those that failed.
        kinds: What is served.
        on_miss: What happens at a call that the recording does not hold.
        redactor: The rules by which the recording was masked; None if it was not.
        run_tools: Names of tools whose bodies run, with the calls inside them served.
    """

    calls: tuple[RecordedCall, ...]
    failures: Failures
    kinds: frozenset[Kind]
    on_miss: OnMiss = "error"
    redactor: Redactor | None = None
    run_tools: frozenset[str] = frozenset()


@dataclass(slots=True)
class LiveTool:
    """A tool call of this run that is under way.

    Attributes:
        name: What it is called.
        call: The recorded call that answers it; None if it is made for real.
        error: Why it is not answered.
        runs: Whether its body runs.
    """

    name: CallName
    call: RecordedCall | None = None
    error: RerunError | None = None
    runs: bool = False


@dataclass(slots=True)
class _Tally:
    counts: dict[Kind, int] = field(default_factory=lambda: {"llm": 0, "tool": 0})
    missed: list[CallName] = field(default_factory=list)
    live: int = 0


class Serving:
    """Answers the calls of one re-execution.

    Args:
        served: What it is served from.

    Attributes:
        served: The same.
        closed: Whether the re-execution is over; its threads may outlive it.
    """

    def __init__(self, served: Served) -> None:
        self.served: Final = served
        self.closed = False
        self._ledger = Ledger(served.calls)
        self._lock = threading.RLock()
        self._paths = CausalPaths()
        self._tools: dict[str, LiveTool] = {}
        self._tally = _Tally()
        self._error: RerunError | None = None

    @property
    def error(self) -> RerunError | None:
        """What stopped the run; the first of several."""
        return self._error

    @property
    def report(self) -> Report:
        """What became of the calls until now."""
        with self._lock:
            missed, live = tuple(self._tally.missed), self._tally.live
        used = tuple(call.name for call in self._ledger.served())
        return Report(used, tuple(call.name for call in self._ledger.unused()), missed, live)

    @property
    def is_under_way(self) -> bool:
        """Whether something began that has not ended, as far as frames were seen."""
        with self._lock:
            return self._paths.has_open

    def serves(self, kind: Kind) -> bool:
        """Tell whether calls of a kind are served.

        Raises:
            RunStopped: The run was stopped, or is over.
        """
        if self._error is not None:
            raise RunStopped(self._error)
        if self.closed:
            raise RunStopped(RerunError(f"The re-execution is over, and its {kind} calls are not made."))
        return kind in self.served.kinds

    def stop(self, error: RerunError) -> RunStopped:
        """Return what to raise to stop the run for this reason, or for the one before it."""
        with self._lock:
            self._error = self._error or error
            return RunStopped(self._error)

    def watch(self, frame: FrameLike) -> None:
        """Take the next frame of this run, from any thread; starts of tool calls are matched here."""
        with self._lock:
            path = rooted(self._paths.feed(frame))
            if frame.type != "tool_usage_started":
                self._tools.pop(str(frame.data.get("started_event_id")), None)
            elif "tool" in self.served.kinds and self._error is None:
                self._tools[frame.id] = self._tool(frame, path)

    def tool_under(self, scope_id: str | None) -> LiveTool | None:
        """Return the tool call that a scope is, if it is one."""
        return None if scope_id is None else self._tools.get(scope_id)

    def model_call(
        self, data: Mapping[str, Any], scope_id: str | None, *, again: bool = False
    ) -> RecordedCall | None:
        """Return the recorded call that answers an LLM call; None if it is to be made for real.

        Args:
            data: The data of the frame that would start it.
            scope_id: Id of the frame that opened the scope around it.
            again: Whether it is a repetition, which the recorded run need not have made: then None says so.

        Raises:
            RunStopped: There is none.
        """
        with self._lock:
            path = rooted(self._paths.inside(scope_id))
        request = model_request(self._masked(data))
        call = self._ledger.take(path, request)
        if call is not None or not again:
            with self._lock:
                name = self._name("llm", path)
            if call is None:
                self._missed(name, request)
        return call

    def check_arguments(self, tool: LiveTool, arguments: Mapping[str, Any], *, whole: bool) -> None:
        """Compare what a tool is given with what it was given.

        Hooks may change arguments between the start of a call, by which it is found, and the tool.

        Args:
            tool: The call.
            arguments: The arguments, as a frame has them.
            whole: Whether no other may have been given; otherwise those that are not accepted are left out.

        Raises:
            RunStopped: They differ.
        """
        ends = [step for step in tool.call.steps if step.type.startswith("tool_usage_")] if tool.call else []
        given = ends[0].data.get("tool_args") if ends else None
        if not isinstance(given, Mapping):
            return
        if not whole:
            given = {name: item for name, item in given.items() if name in arguments}
        live, recorded = (
            tool_request({"tool_args": self._masked(arguments)}),
            tool_request({"tool_args": given}),
        )
        if live.digest != recorded.digest and tool.call is not None:
            raise self.stop(changed(tool.name, tool.call, recorded.fields, live.fields))

    def check_messages(self, call: RecordedCall, before: Any, after: Any) -> None:  # noqa: ANN401  JSON
        """Compare what hooks made of the messages of an LLM call with what was sent.

        Hooks of a direct call change its messages after its start, by which it is found.

        Args:
            call: The recorded call.
            before: The messages without the hooks, as a frame has them.
            after: The messages as they would be sent.

        Raises:
            RunStopped: They differ.
        """
        ends = [step.data for step in call.steps if step.type == "llm_call_completed"]
        if before == after or not ends or not ends[0].get("messages"):
            return
        live = model_request(self._masked({"messages": after}))
        recorded = model_request({"messages": ends[0]["messages"]})
        if live.digest != recorded.digest:
            raise self.stop(changed(call.name, call, recorded.fields, live.fields))

    def pass_over(self, call: RecordedCall) -> None:
        """Take note that the body of a tool does not run."""
        self._ledger.pass_over(call)

    def count_live(self) -> None:
        """Take note that a model or a tool is reached."""
        with self._lock:
            self._tally.live += 1

    def _tool(self, frame: FrameLike, path: CausalPath) -> LiveTool:
        request = tool_request(self._masked(frame.data))
        name = self._name("tool", path, str(frame.data.get("tool_name", "")))
        call = self._ledger.take(path, request)
        if call is not None:
            return LiveTool(name, call)
        try:
            self._missed(name, request)
        except RunStopped as stopped:
            # Raised when the tool is asked: an exception here would come out of CrewAI's event bus.
            return LiveTool(name, error=stopped.error)
        return LiveTool(name)

    def _missed(self, name: CallName, request: Request) -> None:
        error: DivergedError = diverged(name, request, self._ledger.unused(request.kind))
        with self._lock:
            self._tally.missed.append(name)
        if self.served.on_miss == "error":
            raise self.stop(error)

    def _name(self, kind: Kind, path: CausalPath, tool: str = "") -> CallName:
        self._tally.counts[kind] += 1
        return CallName(kind, self._tally.counts[kind], path, tool)

    def _masked(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        return data if self.served.redactor is None else self.served.redactor.redact(dict(data))
