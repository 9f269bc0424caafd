"""What a comparison says, in whole."""

from __future__ import annotations

from otelstream.frame import StreamFrame
from otelstream.testing import Script
from recorder import diff
from recorder.diff import Diff
from recorder.diff.text import LINES


def asked(question: object, *, after: int = 0) -> list[StreamFrame]:
    """A flow that uses a tool with that argument, after some other events."""
    script = Script()
    script.start("flow_started", flow_name="Ask")
    for step in range(after):
        script.emit("my_event", step=step)
    script.start("tool_usage_started", tool_name="lookup", tool_args={"q": question})
    script.end("tool_usage_finished")
    return script.frames


def said(left: object, right: object) -> str:
    """What is said of two arguments, in its first line."""
    return str(diff(asked(left), asked(right))).splitlines()[0]


def test_a_difference_is_told_with_both_values_and_where_it_is() -> None:
    """The first line has frame, type, path and values; then come scopes, frames before, and the sessions."""
    assert str(diff(asked("a", after=3), asked("b", after=3))) == (
        "frame 4, tool_usage_started, differs at $.data.tool_args.q: recorded 'a', now 'b'\n"
        "  in flow Ask\n"
        "       1  my_event\n"
        "       2  my_event\n"
        "       3  my_event\n"
        "  recorded: first, 6 frames\n"
        "  now:      second, 6 frames"
    )


def test_ordinals_that_differ_are_both_told() -> None:
    """A frame that is elsewhere in the other session has both ordinals."""
    script = Script()
    left = [script.fork().start("tool_usage_started", tool_name=name, tool_args={"q": name}) for name in "ab"]
    right = [left[1], left[0].model_copy(update={"data": {"tool_name": "a", "tool_args": {"q": "x"}}})]
    assert str(diff(left, right)).startswith(
        "frame 0 (now 1), tool_usage_started, differs at $.data.tool_args.q: recorded 'a', now 'x'\n"
    )


def test_a_missing_frame_is_told() -> None:
    """A frame that the second session has not is missing."""
    assert str(diff(asked("a"), asked("a")[:-1])).startswith(
        "frame 2 is missing: tool_usage_finished was recorded, now there is none\n"
        "  in flow Ask > tool lookup\n"
    )


def test_a_new_frame_is_told() -> None:
    """A frame that only the second session has is new."""
    assert str(diff(asked("a")[:-1], asked("a"))).startswith(
        "frame 2 is new: tool_usage_finished was not recorded\n"
    )


def test_an_order_is_told() -> None:
    """Frames of one branch that changed places are told with both ordinals."""
    frames = asked("a", after=2)
    assert str(diff(frames, [frames[0], frames[2], frames[1], *frames[3:]])).startswith(
        "frame 2, my_event, comes in an order that parallel branches do not explain:"
        " recorded as frame 2, now as frame 1\n"
    )


def test_the_same_is_told() -> None:
    """Of sessions that are the same only their length is told."""
    assert (str(diff(asked("a"), asked("a"))), str(diff(asked("a")[:1], asked("a")[:1]))) == (
        "same: 3 frames",
        "same: 1 frame",
    )


def test_another_order_is_told() -> None:
    """Sessions that are reordered are said to be the same but for that."""
    found = Diff("reordered", None, (31, 31), ("first", "second"))
    assert str(found) == "reordered: the same 31 frames, but parallel branches came in another order"


def test_long_values_are_cut_around_their_difference() -> None:
    """Of two long texts what is around their first difference is shown."""
    left, right = "x" * 500 + "a" + "y" * 500, "x" * 500 + "b" + "y" * 500
    start = "frame 1, tool_usage_started, differs at $.data.tool_args.q: recorded "
    around = "…" + "x" * 40 + "{}" + "y" * 159 + "…"
    assert said(left, right) == f"{start}{around.format('a')}, now {around.format('b')}"


def test_a_value_that_is_no_text_is_json() -> None:
    """A value that is no text is told as JSON."""
    assert said({"a": [1, None]}, "x").endswith("""recorded {"a":[1,null]}, now 'x'""")


def test_texts_of_several_lines_are_told_as_a_unified_diff() -> None:
    """Of a long prompt the lines that changed are shown."""
    left, right = "Be kind.\nSay A.\nStop.", "Be kind.\nSay B.\nStop."
    assert str(diff(asked(left), asked(right))).splitlines()[2:9] == [
        "    --- recorded",
        "    +++ now",
        "    @@ -1,3 +1,3 @@",
        "     Be kind.",
        "    -Say A.",
        "    +Say B.",
        "     Stop.",
    ]


def test_a_unified_diff_is_cut() -> None:
    """Texts that differ in all lines are shown up to a limit, and that they go on is told."""
    left, right = ("\n".join(f"{name} {line}" for line in range(100)) for name in "ab")
    lines = [line for line in str(diff(asked(left), asked(right))).splitlines() if line.startswith("    ")]
    assert (len([line for line in lines if line[4:5] in "-+@"]), lines[LINES].strip()) == (LINES, "…")


def test_a_comparison_as_json() -> None:
    """For programs the same is plain data; a value that is not there has no key."""
    assert diff(asked("a"), asked(None)).to_json() == {
        "verdict": "different",
        "frames": [3, 3],
        "sessions": ["first", "second"],
        "first": {
            "kind": "value",
            "left": 1,
            "right": 1,
            "frame_type": "tool_usage_started",
            "scopes": ["flow Ask"],
            "path": "$.data.tool_args.q",
            "left_value": "a",
            "right_value": None,
        },
    }


def test_nothing_in_it_moves_a_cursor_or_is_half_a_character() -> None:
    """Names of flows and types of frames are told on their line, and so that every terminal can show them."""
    script = Script()
    script.start("flow_started", flow_name="Ask\x1b[2J")
    script.emit("half \ud83d\nsame: 2 frames", text="a")
    frames = [script.frames[0], script.frames[1].model_copy(update={"data": {"text": "b"}})]

    assert str(diff(script.frames, frames)).splitlines()[:2] == [
        "frame 1, half \\ud83d same: 2 frames, differs at $.data.text: recorded 'a', now 'b'",
        "  in flow Ask\\x1b[2J",
    ]
