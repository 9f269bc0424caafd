"""Runs that continue an earlier one of the same process link to its trace, and say why."""

from __future__ import annotations

from pathlib import Path

import pytest

import otelstream
from otelstream.testing import Script
from tests.e2e.received import ReceivedSpan, root_of, spans_of
from tests.e2e.receiver import PROTOCOLS, HttpReceiver, Receiver, receiver_of, variables
from tests.e2e.runs import golden, run_python, session

TURNS = ("12_conversation_turn1.jsonl", "12_conversation_turn2.jsonl")
FEEDBACK = ("13_feedback_pending.jsonl", "13_feedback_resume.jsonl")
CHECKPOINT = ("33_checkpoint_run.jsonl", "33b_checkpoint_restore.jsonl")


def roots_of(receiver: Receiver) -> list[ReceivedSpan]:
    """Return the roots of all traces, by their start."""
    spans = spans_of(receiver)
    traces = dict.fromkeys(span.trace_id for span in spans)
    return [root_of([span for span in spans if span.trace_id == trace]) for trace in traces]


def roots(monkeypatch: pytest.MonkeyPatch, *names: str, protocol: str = PROTOCOLS[0]) -> list[ReceivedSpan]:
    """Observe golden streams one after the other; return the roots of their traces."""
    with receiver_of(protocol) as receiver:
        for name, value in variables(receiver).items():
            monkeypatch.setenv(name, value)
        for name in names:
            list(otelstream.observe(session(golden(name))))
        otelstream.shutdown(10)
        return roots_of(receiver)


def links(span: ReceivedSpan) -> list[tuple[str, str, dict[str, object]]]:
    """Return where a span links to, and why."""
    return [(link.trace_id, link.span_id, link.attributes) for link in span.links]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("names", "relation"),
    [(TURNS, "conversation"), (FEEDBACK, "resumed"), (CHECKPOINT, "resumed")],
    ids=["next turn", "resumed after feedback", "restored from a checkpoint"],
)
def test_a_run_links_to_the_one_it_continues(
    names: tuple[str, str], relation: str, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The later root links to the earlier root, in another trace, and the attribute says what ties them."""
    earlier, later = roots(monkeypatch, *names, protocol=protocol)

    assert (links(earlier), links(later)) == (
        [],
        [(earlier.trace_id, earlier.span_id, {"otelstream.link": relation})],
    )


@pytest.mark.parametrize("name", [*TURNS, *FEEDBACK, *CHECKPOINT])
def test_a_first_run_links_to_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What this process did not see before has no trace to link to."""
    (root,) = roots(monkeypatch, name)

    assert root.links == ()


def test_other_conversations_are_not_linked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that share neither conversation nor state stand alone."""
    found = roots(monkeypatch, TURNS[0], FEEDBACK[0], CHECKPOINT[0], "01_plain_flow.jsonl")

    assert [root.links for root in found] == [()] * 4


def turn(number: int) -> Script:
    """Return a turn of one conversation."""
    script = Script()
    script.wait(1_000 * number)
    script.start("conversation_turn_started", session_id="talk", turn=number)
    script.end("conversation_turn_completed", session_id="talk")
    return script


def test_each_turn_links_to_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """The third turn links to the second, and to no other."""
    with HttpReceiver() as receiver:
        for name, value in variables(receiver).items():
            monkeypatch.setenv(name, value)
        for number in range(3):
            frames = [
                frame.model_copy(update={"id": f"turn {number} {frame.id}", "previous_id": None})
                for frame in turn(number).frames
            ]
            list(otelstream.observe(session(frames)))
        otelstream.shutdown(10)
        first, second, third = roots_of(receiver)

    assert [links(second), links(third)] == [
        [(first.trace_id, first.span_id, {"otelstream.link": "conversation"})],
        [(second.trace_id, second.span_id, {"otelstream.link": "conversation"})],
    ]


FORKS = """
import os, sys
import otelstream
from tests.e2e.runs import golden, session

list(otelstream.observe(session(golden(sys.argv[1]))))
assert otelstream.flush(10)
child = os.fork()
if child == 0:
    list(otelstream.observe(session(golden(sys.argv[2]))))
    otelstream.shutdown(10)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
otelstream.shutdown(10)
"""


def test_a_forked_child_begins_anew(tmp_path: Path) -> None:
    """What the parent observed before the fork is none of the child's runs."""
    with HttpReceiver() as receiver:
        ran = run_python(["-W", "ignore", "-c", FORKS, *TURNS], tmp_path, variables(receiver))
        found = [root.links for root in roots_of(receiver)]

    assert (ran.returncode, found) == (0, [(), ()])
