"""Two recorded or live sessions compared: the same, the same in another order, or where they differ first."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import Final

from otelstream.redact import Redactor, redacted, secret_values
from recorder.diff.chunks import joined
from recorder.diff.comparison import Comparison
from recorder.diff.forms import Forms
from recorder.diff.places import ABSENT
from recorder.diff.policy import DEFAULT, RULES, Chunks, Policy, Rule
from recorder.diff.result import Diff, Divergence, Verdict
from recorder.diff.runs import Comparable, KeptRun, RecordedRun, Run, run_of
from recorder.diff.surroundings import Detached
from recorder.listing import Selector

__all__ = [
    "ABSENT",
    "DEFAULT",
    "RULES",
    "Chunks",
    "Comparable",
    "Diff",
    "Divergence",
    "Policy",
    "Rule",
    "Verdict",
    "assert_same_run",
    "diff",
]

_POLICY: Final = Policy()


def diff(
    a: Comparable,
    b: Comparable,
    *,
    session: Selector = "last",
    other: Selector = "last",
    policy: Policy = _POLICY,
) -> Diff:
    """Compare two sessions: frames by their causal path, and outcomes.

    Ids are compared by what they point to. What differs between two runs of the same code is set aside as the
    policy says. Where the one is a recording with its secrets masked, they are masked in the other, too.
    Takes about 500 bytes for each frame of both; frames of recordings are not held, unless one of two has its
    secrets masked and the other has not, or `policy.chunks` is `text`.

    Args:
        a: The one: a recording's path, a consumed stream session, or frames (these have no outcome, and then
            none is compared).
        b: The other.
        session: Which session of `a`, if it is a recording: `last`, an index, an id or its beginning, a name.
        other: The same for `b`.
        policy: What is set aside.

    Raises:
        RecordingError: A recording cannot be read.
        SessionNotFoundError: A recording holds no such session.
        UsageError: A session has not been consumed.
    """
    with ExitStack() as stack:
        runs = []
        for source, selector, name in ((a, session, "first"), (b, other, "second")):
            runs.append(run_of(source, selector, name))
            stack.callback(runs[-1].close)
        left, right = _masked_alike(*runs)
        if policy.chunks == "text":
            left, right = (
                KeptRun(left.name, *joined(left.frames())),
                KeptRun(right.name, *joined(right.frames())),
            )
        if "surroundings" in policy.aside:
            left, right = Detached(left), Detached(right)
        return Comparison(Forms(policy), (left, right)).diff()


def assert_same_run(
    live: Comparable,
    recording: Comparable,
    session: Selector = "last",
    *,
    policy: Policy = _POLICY,
) -> None:
    """Raise unless a run is the same as a recorded one; parallel branches may come in another order.

    Args:
        live: The run: a consumed stream session, or its frames.
        recording: What it shall be: a recording's path, a consumed replay, or frames.
        session: Which session of the recording.
        policy: What is set aside.

    Raises:
        AssertionError: They differ; its text says where first.
        RecordingError: The recording cannot be read.
        SessionNotFoundError: It holds no such session.
        UsageError: A session has not been consumed.
    """
    found = diff(recording, live, session=session, policy=policy)
    if found.verdict == "different":
        raise AssertionError(str(found))


def _masked_alike(left: RecordedRun | KeptRun, right: RecordedRun | KeptRun) -> tuple[Run, Run]:
    if not left.is_masked and not right.is_masked:
        return left, right
    redactor = Redactor(values=secret_values(os.environ))
    return _masked(left, redactor), _masked(right, redactor)


def _masked(run: RecordedRun | KeptRun, redactor: Redactor) -> Run:
    if isinstance(run, RecordedRun) and run.is_masked:
        return run
    return KeptRun(run.name, redacted(run.frames(), redactor))
