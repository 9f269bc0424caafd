"""Verdicts: what they are called, the exit code that they make, and their JUnit report."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from otelstream.bridge.verdicts import Kind, Verdict, exit_code, tally, write_junit

FILE = Path("runs/a.duckdb")


def verdict(kind: Kind, text: str = "", frame: int | None = None) -> Verdict:
    """A verdict of the session 0190, the flow Tea."""
    return Verdict(FILE, "0190", 3, "Tea", kind, frame, text, 1.25)


KINDS: list[list[Kind]] = [["same", "same", "skipped"], ["skipped"], []]
BROKEN = Verdict(Path("runs/b.duckdb"), None, None, None, "unreadable", text="it is broken")


def test_a_verdict_says_where() -> None:
    """The frame is named where there is one."""
    diverged, same = verdict("diverged", frame=41), verdict("same")

    assert (diverged.summary, same.summary) == ("diverged at frame 41", "same")
    assert (diverged.title, BROKEN.title) == ("runs/a.duckdb #3 Tea", "runs/b.duckdb")


@pytest.mark.parametrize(
    ("kinds", "code"),
    [
        (["same"], 0),
        (["same", "reordered", "skipped"], 0),
        (["same", "diverged"], 1),
        (["diverged", "unreadable"], 1),
        (["same", "unreadable"], 2),
        (["skipped"], 2),
        ([], 2),
    ],
)
def test_the_worst_verdict_makes_the_exit_code(kinds: list[Kind], code: int) -> None:
    """A divergence before all, then what nobody could compare."""
    assert exit_code([verdict(kind) for kind in kinds]) == code


def test_the_tally_counts_each_kind() -> None:
    """Kinds that did not occur are not named."""
    assert [tally([verdict(kind) for kind in kinds]) for kinds in KINDS] == [
        "3 verdicts: 2 same, 1 skipped",
        "1 verdicts: 1 skipped; nothing was compared",
        "no verdicts; nothing was compared",
    ]


def test_the_report_has_a_case_for_each_verdict(tmp_path: Path) -> None:
    """A difference is a failure with all of its text, what is left out is skipped, a broken file an error."""
    verdicts = [
        verdict("same"),
        verdict("diverged", "tea differs\nmilk", 7),
        verdict("skipped", "cut"),
        BROKEN,
    ]
    write_junit(verdicts, tmp_path / "out.xml")

    (suite,) = ET.parse(tmp_path / "out.xml").getroot()
    assert suite.attrib == {
        "name": "otelstream verify",
        "tests": "4",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
        "time": "3.750",
    }
    assert [(case.attrib, [(each.tag, each.attrib, each.text) for each in case]) for case in suite] == [
        ({"classname": "runs/a.duckdb", "name": "Tea 0190", "time": "1.250"}, []),
        (
            {"classname": "runs/a.duckdb", "name": "Tea 0190", "time": "1.250"},
            [("failure", {"message": "diverged at frame 7: tea differs"}, "tea differs\nmilk")],
        ),
        (
            {"classname": "runs/a.duckdb", "name": "Tea 0190", "time": "1.250"},
            [("skipped", {"message": "skipped: cut"}, "cut")],
        ),
        (
            {"classname": "runs/b.duckdb", "name": "b.duckdb", "time": "0.000"},
            [("error", {"message": "unreadable: it is broken"}, "it is broken")],
        ),
    ]


def test_the_report_can_be_read_whatever_differs(tmp_path: Path) -> None:
    """XML has no control characters and no half characters; they are replaced."""
    write_junit([verdict("diverged", "a\x00b\x1b[31m\ud800 <&> \N{GRINNING FACE}")], tmp_path / "out.xml")

    failure = ET.parse(tmp_path / "out.xml").getroot()[0][0][0]
    assert failure.text == "a�b�[31m� <&> \N{GRINNING FACE}"
