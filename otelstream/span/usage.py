"""Tokens of an LLM call, whichever words its provider has for them.

CrewAI passes on what a provider reports. The keys are those of its `UsageMetrics.from_provider_dict`, and
those of Bedrock's `TokenUsage`, which that does not know.
"""

from __future__ import annotations

from typing import Final

from otelstream.span import names
from otelstream.span.scalars import Data, mapping, number

# The first key that has a number counts.
_INPUT: Final = ("prompt_tokens", "prompt_token_count", "input_tokens", "inputTokens")
_OUTPUT: Final = ("completion_tokens", "candidates_token_count", "output_tokens", "outputTokens")
_CACHE_READ: Final = (
    *("cached_prompt_tokens", "cached_tokens", "cache_read_input_tokens"),
    *("cacheReadInputTokens", "cacheReadInputTokenCount"),
)
_CACHE_CREATION: Final = (
    *("cache_creation_tokens", "cache_creation_input_tokens"),
    *("cacheWriteInputTokens", "cacheWriteInputTokenCount"),
)
_REASONING: Final = ("reasoning_tokens",)


def usage_attributes(usage: Data) -> dict[str, int | float | None]:
    """Return the tokens of a call as attributes, None for what the provider did not report.

    As the conventions want it, the input holds what was read from a cache and written to one.

    Args:
        usage: `data.usage` of a frame that ends a call.
    """
    details = mapping(usage.get("prompt_tokens_details"))
    read = _first(usage, _CACHE_READ)
    return {
        names.USAGE_INPUT_TOKENS: _input(usage),
        names.USAGE_OUTPUT_TOKENS: _first(usage, _OUTPUT),
        names.USAGE_CACHE_READ: number(details.get("cached_tokens")) if read is None else read,
        names.USAGE_CACHE_CREATION: _first(usage, _CACHE_CREATION),
        names.USAGE_REASONING: _first(usage, _REASONING),
    }


def _input(usage: Data) -> int | float | None:
    found = _first(usage, _INPUT)
    if found is None:
        return None
    apart = ("cache_read_input_tokens", "cache_creation_input_tokens")
    if "input_tokens" in usage and any(key in usage for key in apart):
        # Anthropic's own shape: its input is what was neither read from a cache nor written to one.
        return found + sum(number(usage.get(key)) or 0 for key in apart)
    total, output = number(usage.get("totalTokens")), number(usage.get("outputTokens"))
    if total is not None and output is not None:
        return max(found, total - output)  # so does Bedrock's, but for its total
    return found


def _first(usage: Data, keys: tuple[str, ...]) -> int | float | None:
    return next((value for key in keys if (value := number(usage.get(key))) is not None), None)
