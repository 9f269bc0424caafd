"""Which prompts are long, whether or not a provider counts their tokens."""

from __future__ import annotations

from pathlib import Path

from tests.dashboards.reports import a_flow, at, call, ended, in_agent, open_call, record, rows_of

USAGE = {"prompt_tokens": 9, "completion_tokens": 1, "cached_prompt_tokens": 4}


def test_the_longest_prompt_comes_first(tmp_path: Path) -> None:
    """With its tokens as the provider reports them, NULL where it does not."""
    script = a_flow()
    call(script, usage=USAGE, prompt="Tea?")
    call(script, prompt="Tea, please, in cups.")
    (session,) = record(tmp_path / "a.duckdb", ended(script))

    assert rows_of("longest_prompts", tmp_path / "a.duckdb") == [
        (session, "Tea", at(4), None, "gpt-4o-mini", 1, 21, "user", 21, None, None, "c4"),
        (session, "Tea", at(2), None, "gpt-4o-mini", 1, 4, "user", 4, 9, 4, "c2"),
    ]


def test_all_messages_of_a_prompt_count(tmp_path: Path) -> None:
    """Their texts in characters, and the tool calls that they ask for as JSON."""
    script = in_agent(a_flow())
    asked = [{"id": "1"}]
    messages = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Grüße"},
        {"role": "assistant", "content": None, "tool_calls": asked},
        {"role": "tool", "content": "hot", "tool_calls": None},
    ]
    script.start("llm_call_started", call_id="c", model="gpt-4o", messages=messages)
    script.end("llm_call_completed", call_id="c", response="Yes.")
    script.end("agent_execution_completed", output="tea")
    script.end("task_completed", output={"raw": "tea"})
    (session,) = record(tmp_path / "a.duckdb", ended(script))

    assert rows_of("longest_prompts", tmp_path / "a.duckdb") == [
        (session, "Tea", at(4), "Host", "gpt-4o", 4, 8 + 5 + 12 + 3, "assistant", 12, None, None, "c")
    ]


def test_a_prompt_that_is_a_text_counts(tmp_path: Path) -> None:
    """It is one message of the user."""
    script = a_flow()
    script.start("llm_call_started", call_id="c", model="gpt-4o", messages="Tea?")
    script.end("llm_call_completed", call_id="c", response="Yes.")
    (session,) = record(tmp_path / "a.duckdb", ended(script))

    assert rows_of("longest_prompts", tmp_path / "a.duckdb") == [
        (session, "Tea", at(2), None, "gpt-4o", 1, 4, "user", 4, None, None, "c")
    ]


def test_a_call_that_never_ended_has_a_prompt(tmp_path: Path) -> None:
    """It was sent, whatever came of it."""
    script = a_flow()
    open_call(script)
    (session,) = record(tmp_path / "a.duckdb", script)

    assert rows_of("longest_prompts", tmp_path / "a.duckdb") == [
        (session, "Tea", at(2), None, "gpt-4o-mini", 1, 4, "user", 4, None, None, "c2")
    ]


def test_calls_of_one_id_share_no_tokens(tmp_path: Path) -> None:
    """Nobody knows which of them the tokens are of."""
    script = a_flow()
    for prompt in ("Tea?", "More tea?"):
        script.start(
            "llm_call_started", call_id="c", model="gpt-4o", messages=[{"role": "user", "content": prompt}]
        )
        script.end("llm_call_completed", call_id="c", response="Yes.", usage=USAGE)
    (session,) = record(tmp_path / "a.duckdb", ended(script))

    assert rows_of("longest_prompts", tmp_path / "a.duckdb") == [
        (session, "Tea", at(4), None, "gpt-4o", 1, 9, "user", 9, None, None, "c"),
        (session, "Tea", at(2), None, "gpt-4o", 1, 4, "user", 4, None, None, "c"),
    ]


def test_twenty_prompts_are_listed(tmp_path: Path) -> None:
    """Of 25 the twenty longest, over all sessions."""
    first, second = a_flow(), a_flow()
    for length in range(1, 26):
        call(first if length % 2 else second, prompt="x" * length)
    record(tmp_path / "a.duckdb", ended(first), ended(second))

    assert [row[6] for row in rows_of("longest_prompts", tmp_path / "a.duckdb")] == list(range(25, 5, -1))
