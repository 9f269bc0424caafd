"""What a comparison sets aside, and what it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from otelstream.errors import UsageError
from otelstream.testing import make_frame
from recorder import Policy, diff
from recorder.diff import DEFAULT, RULES, Divergence

ONE = "0c8412e5-b8d1-45b7-9b1c-6349490dda6c"
OTHER = "456d7f26-b8e3-462d-b769-cda5126c66ca"


def first(left: object, right: object, policy: Policy = Policy()) -> Divergence | None:  # noqa: B008  frozen
    """The first difference of two frames that hold those values."""
    frames = [make_frame("my_event", data={"value": value}) for value in (left, right)]
    return diff(frames[:1], frames[1:], policy=policy).first


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"created_at": "2026-11-20T15:50:45.857684"}, {"created_at": "2026-11-21 01:02:03+01:00"}),
        ({"end_time": 1_700_000_000.5}, {"end_time": 1_700_000_001}),
        ("seen 2026-11-20T15:50:45.857Z", "seen 2026-11-20T15:50:46.857Z"),
        ("{'at': datetime.datetime(2026, 11, 20, 15, 50)}", "{'at': datetime.datetime(2026, 11, 21, 0, 0)}"),
        ({"duration": 0.2}, {"duration": 11}),
        ({"query_time_ms": 0.2}, {"query_time_ms": 0.3}),
        ("{'execution_time': 0.25}", "{'execution_time': 1.5e-05}"),
        ("<function f at 0x7f5718e9ccc0>", "<function f at 0x7f0000000001>"),
        ({"current_usage_count": 1}, {"current_usage_count": 3}),
        ("Tool(current_usage_count=1)", "Tool(current_usage_count=2)"),
        ({"processed_by_agents": ["a", "b"]}, {"processed_by_agents": ["b", "a"]}),
        (ONE, OTHER),
        (f"task {ONE} is done", f"task {OTHER} is done"),
        ({ONE: 1}, {OTHER: 1}),
        ("call_9ae99f99abdf9e99c999", "call_de9fa9c99b999999e99e"),
        ("toolu_bdrk_01GvxEwLzGmKMvMWs6", "toolu_bdrk_01AAAEwLzGmKMvMWs6"),
        ("call_function_wtqp2z1b7mhj_1", "call_function_wtqp2z1b7mhk_1"),
        ("0c8412e5b8d145b79b1c6349490dda6c", "456d7f26b8e3462db769cda5126c66ca"),
    ],
)
def test_what_runs_do_not_share_is_set_aside(left: object, right: object) -> None:
    """Times, durations, addresses, counters, orders of sets and names of ids are no difference."""
    assert first(left, right) is None


@pytest.mark.parametrize(
    ("left", "right", "path"),
    [
        ({"created_at": "yesterday"}, {"created_at": "today"}, "$.data.value.created_at"),
        ({"created_at": "2026-11-20"}, {"created_at": None}, "$.data.value.created_at"),
        ({"end_time": 5}, {"end_time": 6}, "$.data.value.end_time"),
        ({"duration": "long"}, {"duration": "short"}, "$.data.value.duration"),
        ({"timeout_ms": 5}, {"timeout_ms": 6}, "$.data.value.timeout_ms"),
        ({"task_id": "PROJ-17"}, {"task_id": "PROJ-18"}, "$.data.value.task_id"),
        ("on 2026-11-20", "on 2026-11-21", "$.data.value"),
        ({"total_tokens": 5}, {"total_tokens": 6}, "$.data.value.total_tokens"),
        ({"agents": ["a", "b"]}, {"agents": ["b", "a"]}, "$.data.value.agents[0]"),
        ([1, 2, 3], [1, 3], "$.data.value[1]"),
        ([1, 2], [1, 2, 3], "$.data.value[2]"),
        ({"a": 1}, {}, "$.data.value.a"),
        ({}, {"a b": 1}, "$.data.value['a b']"),
        (1, True, "$.data.value"),
        (1, "1", "$.data.value"),
        (None, 0, "$.data.value"),
        ('{"a": 1}', {"a": 1}, "$.data.value"),
        ([], {}, "$.data.value"),
        (float("nan"), None, "$.data.value"),
        ("call_customer_service", "call_customer_support", "$.data.value"),
        ("half \ud83d", "half \udc00", "$.data.value"),
        ("\0id\0", ONE, "$.data.value"),
        ("at \0aside\0", "at 0x7f5718e9ccc0", "$.data.value"),
        ("color 0x336699", "color 0x993366", "$.data.value"),
        ("call_get_weather_v2_now", "call_get_weather_v3_now", "$.data.value"),
    ],
)
def test_what_says_something_is_compared(left: object, right: object, path: str) -> None:
    """Values of another kind under a volatile name, token counts, orders, types and dates in texts count."""
    found = first(left, right)
    assert found is not None
    assert (found.kind, found.path) == ("value", path)


def test_both_values_are_told() -> None:
    """A difference has both values, as they are in the frames."""
    assert first({"q": "a"}, {"q": "b"}) == Divergence(
        kind="value",
        left=0,
        right=0,
        frame_type="my_event",
        scopes=(),
        path="$.data.value.q",
        left_value="a",
        right_value="b",
    )


def test_an_id_must_point_to_the_same() -> None:
    """An id stands for one other, by most of its uses; the use that says otherwise is the difference."""
    found = first([ONE, OTHER, ONE, ONE], [OTHER, ONE, OTHER, ONE])
    assert found is not None
    assert found.path == "$.data.value[3]"


def test_deep_values_are_compared() -> None:
    """However deep a value is, what differs in it is found."""
    left: object = "a"
    right: object = "b"
    for _ in range(500):
        left, right = [left], [right]
    found = first(left, right)
    assert found is not None
    assert found.path is not None
    assert found.path.startswith("$.data.value[0][0]")


@pytest.mark.parametrize(
    ("ignore", "left", "right"),
    [
        ("$.data.value", 1, 2),
        ("$.data.value.cost", {"cost": 1}, {}),
        ("$..cost", {"a": [{"cost": 1}]}, {"a": [{"cost": 2}]}),
        ("$.data.value[*].cost", [{"cost": 1}, {"cost": 1}], [{"cost": 2}, {"cost": 3}]),
        ("$.data.value[1]", [1, 2], [1, 3]),
        ("$.data.*.cost", {"cost": 1}, {"cost": 2}),
        ("$.data.value['a cost']", {"a cost": 1}, {"a cost": 2}),
        ("$..['a cost']", [{"a cost": 1}], [{"a cost": 2}]),
        ("$.data.value.größe", {"größe": 1}, {"größe": 2}),
    ],
)
def test_a_path_can_be_ignored(ignore: str, left: object, right: object) -> None:
    """What a path of the policy means is not compared, and is compared without it."""
    assert (first(left, right, Policy(ignore=(ignore,))), first(left, right) is None) == (None, False)


@pytest.mark.parametrize(
    "key",
    ["", "a.b", "[0]", "*", "..", "it's", 'a "b" it\'s', "a\\b", "a\nb\x1b", "größe", "\U0001f40d", "\ud83d"],
)
def test_the_path_that_is_told_can_be_ignored(key: str) -> None:
    """Whatever a key is, the path of a difference beneath it means that place, and no other."""
    found = first({key: 1}, {key: 2})
    assert found is not None
    assert found.path is not None
    policy = Policy(ignore=(found.path,))
    beside = first({key: 1, "q": 1}, {key: 2, "q": 2}, policy)
    assert (first({key: 1}, {key: 2}, policy), beside and beside.path) == (None, "$.data.value.q")


def test_what_is_beside_an_ignored_path_is_compared() -> None:
    """A path means no more than it says."""
    found = first({"cost": 1, "q": "a"}, {"cost": 2, "q": "b"}, Policy(ignore=("$.data.value.cost",)))
    assert found is not None
    assert found.path == "$.data.value.q"


@pytest.mark.parametrize("path", ["", "$", "data.cost", "$.data.", "$.data[x]", "$data", "$.data cost"])
def test_what_is_no_path_is_refused(path: str) -> None:
    """A text that is no path is refused by a sentence that shows one."""
    with pytest.raises(UsageError) as refused:
        Policy(ignore=(path,))
    assert str(refused.value) == (
        f"{path!r} is no path in a frame; write it as $.data.items[*].cost or $..cost."
    )


def test_token_counts_can_be_set_aside() -> None:
    """The rule for token counts applies where it is asked for."""
    policy = Policy(aside=DEFAULT | {"tokens"})
    assert first({"total_tokens": 5}, {"total_tokens": 6}, policy) is None


def test_every_rule_can_be_left_out() -> None:
    """Without any rule a time is compared like any other text."""
    found = first({"created_at": "2026-11-20"}, {"created_at": "2026-11-21"}, Policy(aside=frozenset()))
    assert found is not None
    assert found.path == "$.data.value.created_at"


def test_every_rule_is_documented() -> None:
    """The table of docs/DIFF.md is the table of the code."""
    text = (Path(__file__).parents[3] / "docs" / "DIFF.md").read_text(encoding="utf-8")
    rows = [
        f"| `{rule.name}` | {'yes' if rule.name in DEFAULT else 'no'} | {rule.meaning} |" for rule in RULES
    ]
    assert "\n".join(rows) in text


def test_an_unknown_rule_is_refused() -> None:
    """A name that is no rule's is refused, and the names that are are told."""
    with pytest.raises(UsageError) as refused:
        Policy(aside=frozenset({"money"}))
    names = ", ".join(rule.name for rule in RULES)
    assert str(refused.value) == f"'money' is no rule of a comparison; there are {names}."
