"""Who serves a model, in the conventions' words: from what the runtime calls it, or from the model."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

BY_RUNTIME_NAME: Final = {
    "openai": "openai",
    "anthropic": "anthropic",
    "claude": "anthropic",
    "azure": "azure.ai.inference",
    "azure_openai": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "google": "gcp.gemini",
    "gemini": "gcp.gemini",
    "vertex_ai": "gcp.vertex_ai",
    "bedrock": "aws.bedrock",
    "aws": "aws.bedrock",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "groq": "groq",
    "mistral": "mistral_ai",
    "mistral_ai": "mistral_ai",
    "perplexity": "perplexity",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
    "x_ai": "x_ai",
    "moonshot": "moonshot_ai",
    "openrouter": "openrouter",
    "ollama": "ollama",
    "ollama_chat": "ollama",
    "hosted_vllm": "hosted_vllm",
    "cerebras": "cerebras",
    "dashscope": "dashscope",
    "deepinfra": "deepinfra",
    "snowflake": "snowflake",
}
"""By the names of `crewai.llm.PROVIDER_ALIASES` and LiteLLM's prefixes; the last have none of their own."""

BY_MODEL: Final = (
    ("gpt-", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4", "openai"),
    ("claude-", "anthropic"),
    ("anthropic.", "aws.bedrock"),
    ("gemini-", "gcp.gemini"),
    ("gemma-", "gcp.gemini"),
    ("learnlm-", "gcp.gemini"),
    ("deepseek", "deepseek"),
    ("mistral-", "mistral_ai"),
    ("codestral-", "mistral_ai"),
    ("command-", "cohere"),
    ("grok-", "x_ai"),
    ("sonar", "perplexity"),
)
"""How models are called by those who make them, as `crewai.llm.LLM._matches_provider_pattern` has it."""


def provider_of(model: str | None, declared: str | None = None) -> str | None:
    """Return the provider's name in the conventions, None if neither the runtime nor the model tells.

    Args:
        model: The model, with or without `provider/` before it.
        declared: The runtime's own name for the provider, from a dump of the LLM.
    """
    if declared:
        return BY_RUNTIME_NAME.get(declared.lower(), declared)
    if not model:
        return None
    prefix, slash, _ = model.lower().partition("/")
    if slash and prefix in BY_RUNTIME_NAME:
        return BY_RUNTIME_NAME[prefix]
    return next((name for start, name in BY_MODEL if model.lower().startswith(start)), None)


def server_of(base_url: str | None) -> tuple[str | None, int | None]:
    """Return host and port of an endpoint, without anything else that its URL may hold."""
    try:
        parts = urlsplit(base_url or "")
        port = parts.port
    except ValueError:
        return None, None
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return (parts.hostname, port or default) if parts.hostname else (None, None)
