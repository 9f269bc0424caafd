"""What a test asks for and cannot have is told in one sentence."""

from __future__ import annotations

import pytest

from tests.recorder.cassettes.suites import Suite

pytest_plugins = ["pytester"]

NAMES = "give a text that files may have for a name, of 100 bytes at most, or none."


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (
            "recording.wrap([1])",
            "TypeError: recording.wrap() takes a StreamSession or an AsyncStreamSession, not list; get*",
        ),
        (
            "session = live('new'); list(session); recording.wrap(session)",
            "*RecordingError: recording.wrap() got a session of which 1 frame was read; wrap it before it*",
        ),
        (
            "session = live('new'); session.close(); recording.wrap(session)",
            "*RecordingError: recording.wrap() got a session that has ended; wrap it before it is iterated.",
        ),
        (
            "recording.session()",
            "*RecordingError: *test_one.jsonl does not exist; it is made where a test wraps a live session,"
            " recording.wrap(session), and runs as: pytest test_a.py::test_one --recording-mode=once",
        ),
        ("recording.frames", "*RecordingError: *test_one.jsonl does not exist; it is made where*"),
    ],
)
def test_mistakes(suite: Suite, line: str, error: str) -> None:
    """What cannot be is told in one sentence, at the line of the test that asks for it."""
    suite.write(test_a=f"def test_one(recording):\n    {line}")
    result = suite.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"E  *{error}", "", "test_a.py:5: *"])


def test_a_session_that_is_not_there(suite: Suite) -> None:
    """A number that the recording does not have is told as everywhere."""
    suite.write(test_a="def test_one(recording): recording.session(7)")
    suite.hold("test_one.jsonl", ["old"])
    suite.run().stdout.fnmatch_lines(["E*SessionNotFoundError: *test_one.jsonl has no session '7'*"])


@pytest.mark.parametrize(
    ("marker", "sentence"),
    [
        ("'a', 'b'", "the marker `recording` takes one name; give all else as mode=, redact= or serve=."),
        ("''", f"the marker `recording` has the name ''; {NAMES}"),
        ("7", f"the marker `recording` has the name 7; {NAMES}"),
        ("'a' + chr(0)", f"the marker `recording` has the name 'a\\x00'; {NAMES}"),
        ("'a/' + 101 * 'b'", f"the marker `recording` has the name 'a/bbb*'; {NAMES}"),
        ("mode='twice'", "the marker `recording` has the mode 'twice'; it is one of none, once, *"),
        ("modus='all'", "the marker `recording` has modus; it may have name, mode, redact, serve."),
        ("serve={'memory'}", "the marker `recording` has serve={'memory'}; give a set of llm and tools, *"),
    ],
)
def test_markers_that_cannot_be(suite: Suite, marker: str, sentence: str) -> None:
    """A wrong argument of the marker is told in one sentence and nothing more."""
    suite.write(test_a=f"@pytest.mark.recording({marker})\ndef test_one(recording): pass")
    result = suite.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*ERROR at setup of test_one*", sentence, "*short test summary*"])


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ("{'redakt': True}", "recording_config has redakt; it may have redact, export."),
        ("7", "recording_config gave 7; return a RecordingConfig or a dict of its fields."),
    ],
)
def test_configurations_that_cannot_be(suite: Suite, config: str, sentence: str) -> None:
    """A wrong configuration is told in one sentence and nothing more."""
    suite.write(
        test_a=f"""
@pytest.fixture
def recording_config():
    return {config}

def test_one(recording): pass
"""
    )
    result = suite.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([sentence])


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            "<<<<<<< mine\n",
            "*test_one.jsonl has no header, so it is no recording; * Or record it with: *=rewrite",
        ),
        (
            '{"otelstream_recording":9}\n',
            "*test_one.jsonl has text form 9, newer than * Or record it with: *=rewrite",
        ),
    ],
)
def test_a_recording_that_cannot_be_read(suite: Suite, text: str, error: str) -> None:
    """It is told with the command that makes it anew, which does."""
    suite.write(test_a="def test_one(recording): see(recording.wrap(live('new')))")
    suite.hold("test_one.jsonl", ["old"]).write_text(text)
    suite.run().stdout.fnmatch_lines([f"E*RecordingError: {error}"])
    suite.run("--recording-mode=rewrite").assert_outcomes(passed=1)
    assert suite.held("test_one.jsonl") == ["new"]


def test_a_recording_that_was_cut(suite: Suite) -> None:
    """A session that has no end is not replayed as if that were all of it."""
    suite.write(test_a="def test_one(recording): list(recording.wrap(live('new')))")
    path = suite.hold("test_one.jsonl", ["old"])
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))
    suite.run().stdout.fnmatch_lines(
        ["E*RecordingError: session number 1 of *test_one.jsonl has no end, *; record it with: *=rewrite"]
    )


@pytest.mark.parametrize(
    ("mode", "error"),
    [
        ("none", "cannot be used: *; check the folder and its permissions."),
        ("rewrite", "cannot be recorded: *; check the folder and its permissions."),
    ],
)
def test_a_folder_that_cannot_be_used(suite: Suite, mode: str, error: str) -> None:
    """It is told at the line of the test, with no line of ours."""
    suite.write(test_a="def test_one(recording): recording.wrap(live('new'))")
    folder = 300 * "x"  # as nothing is forbidden to root
    result = suite.run(f"--recording-mode={mode}", f"--recording-dir={folder}")
    result.stdout.fnmatch_lines([f"E*RecordingError: *test_one.jsonl {error}", "", "test_a.py:4: *"])
