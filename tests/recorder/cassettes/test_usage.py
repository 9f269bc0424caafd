from __future__ import annotations

import json
from pathlib import Path

from recorder.cassettes.layout import Layout
from recorder.cassettes.usage import ALL, Usage, unused_recordings


def test_what_processes_found_is_added_up() -> None:
    """Two halves of what a run did, sent as JSON, make the whole."""
    layout = Layout(Path("/t/recordings"), Path("/t"))
    one = Usage(claims={"a": Path("/x")}, layouts={Path("/t/test_a.py"): layout}, passed={"a"})
    other = Usage(claims={"a": Path("/x"), "b": Path("/y")}, reasons=["a process died"])
    one.note(Path("/x"), 0)
    other.note(Path("/x"), 1)
    other.note(Path("/y"), None)
    total = Usage(reasons=["a process died"])
    for each in (one, other):
        total.add(json.loads(json.dumps(each.portable())))
    assert total == Usage(
        claims={"a": Path("/x"), "b": Path("/y")},
        layouts={Path("/t/test_a.py"): layout},
        used={Path("/x"): {0, 1}, Path("/y"): {ALL}},
        passed={"a"},
        reasons=["a process died"],
    )


def test_a_recording_with_a_suffix_that_many_tests_claim(tmp_path: Path) -> None:
    """A recording of several tests is judged only if all of them passed."""
    path = tmp_path / "recordings/test_a/x.jsonl"
    path.parent.mkdir(parents=True)
    path.touch()
    usage = Usage(
        claims={"one": path, "two": path},
        layouts={tmp_path / "test_a.py": Layout(tmp_path / "recordings", tmp_path)},
        passed={"one"},
    )
    assert unused_recordings(usage, [tmp_path]) == {}
    usage.passed.add("two")
    assert unused_recordings(usage, [tmp_path]) == {path: "all of it"}


def test_no_recordings(tmp_path: Path) -> None:
    """Where there is no folder of recordings nothing is unused."""
    usage = Usage(layouts={tmp_path / "test_a.py": Layout(tmp_path / "recordings", tmp_path)})
    assert unused_recordings(usage, [tmp_path]) == {}
