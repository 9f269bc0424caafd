"""Tokens of a call in the words of each provider that CrewAI has a class for."""

from __future__ import annotations

import pytest

from otelstream.span import names
from otelstream.span.usage import usage_attributes

Tokens = tuple[int | None, int | None, int | None, int | None, int | None]


def tokens(usage: dict[str, object]) -> Tokens:
    """Input, output, read from a cache, written to one, and spent on reasoning."""
    found = usage_attributes(usage)
    keys = (names.USAGE_INPUT_TOKENS, names.USAGE_OUTPUT_TOKENS, names.USAGE_CACHE_READ)
    further = (names.USAGE_CACHE_CREATION, names.USAGE_REASONING)
    assert found.keys() == {*keys, *further}
    return tuple(found[key] for key in (*keys, *further))  # type: ignore[return-value]  # five of them


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        pytest.param(
            {
                "prompt_tokens": 10,
                "completion_tokens": 4,
                "total_tokens": 14,
                "cached_prompt_tokens": 3,
                "reasoning_tokens": 2,
            },
            (10, 4, 3, None, 2),
            id="openai",
        ),
        pytest.param(
            {"prompt_tokens": 10, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 3}},
            (10, 4, 3, None, None),
            id="litellm",
        ),
        pytest.param(
            {
                "input_tokens": 16,
                "output_tokens": 4,
                "total_tokens": 20,
                "cached_prompt_tokens": 5,
                "cache_creation_tokens": 1,
            },
            (16, 4, 5, 1, None),
            id="anthropic",
        ),
        pytest.param(
            {
                "input_tokens": 10,
                "output_tokens": 4,
                "cache_read_input_tokens": 5,
                "cache_creation_input_tokens": 1,
            },
            (16, 4, 5, 1, None),
            id="anthropic by litellm",
        ),
        pytest.param(
            {"input_tokens": 10, "output_tokens": 4, "cache_read_input_tokens": None},
            (10, 4, None, None, None),
            id="anthropic without a cache",
        ),
        pytest.param(
            {
                "prompt_token_count": 10,
                "candidates_token_count": 2,
                "completion_tokens": 4,
                "total_token_count": 14,
                "total_tokens": 14,
                "cached_prompt_tokens": 0,
                "reasoning_tokens": 2,
            },
            (10, 4, 0, None, 2),
            id="gemini",
        ),
        pytest.param(
            {
                "inputTokens": 10,
                "outputTokens": 4,
                "totalTokens": 20,
                "cacheReadInputTokens": 5,
                "cacheWriteInputTokens": 1,
            },
            (16, 4, 5, 1, None),
            id="bedrock",
        ),
        pytest.param(
            {"inputTokens": 10, "outputTokens": 4}, (10, 4, None, None, None), id="bedrock without a total"
        ),
        pytest.param(
            {"inputTokens": 10, "outputTokens": 4, "totalTokens": 3},
            (10, 4, None, None, None),
            id="odd total",
        ),
        pytest.param({"total_tokens": 0}, (None, None, None, None, None), id="nothing reported"),
        pytest.param({}, (None, None, None, None, None), id="no usage"),
        pytest.param(
            {"prompt_tokens": "10", "completion_tokens": True},
            (None, None, None, None, None),
            id="no numbers",
        ),
        pytest.param({"prompt_tokens": 0, "input_tokens": 7}, (0, None, None, None, None), id="nought"),
    ],
)
def test_tokens(usage: dict[str, object], expected: Tokens) -> None:
    """Input with what was cached, and None for what was not reported."""
    assert tokens(usage) == expected


@pytest.mark.crewai
@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": 10, "completion_tokens": 4, "cached_prompt_tokens": 3, "reasoning_tokens": 2},
        {"input_tokens": 16, "output_tokens": 4, "cached_prompt_tokens": 5, "cache_creation_tokens": 1},
        {
            "input_tokens": 10,
            "output_tokens": 4,
            "cache_read_input_tokens": 5,
            "cache_creation_input_tokens": 1,
        },
        {
            "prompt_token_count": 10,
            "candidates_token_count": 2,
            "completion_tokens": 4,
            "reasoning_tokens": 2,
        },
        {"prompt_tokens": 10, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 3}},
    ],
)
def test_crewai_counts_the_same(usage: dict[str, object]) -> None:
    """CrewAI's own totals of a call are ours, with 0 for what was not reported."""
    from crewai.types.usage_metrics import UsageMetrics

    theirs = UsageMetrics.from_provider_dict(usage)
    assert theirs is not None
    assert tuple(number or 0 for number in tokens(usage)) == (
        theirs.prompt_tokens,
        theirs.completion_tokens,
        theirs.cached_prompt_tokens,
        theirs.cache_creation_tokens,
        theirs.reasoning_tokens,
    )
