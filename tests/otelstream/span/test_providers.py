"""Who serves a model, and where."""

from __future__ import annotations

import pytest

from otelstream.span.providers import BY_RUNTIME_NAME, provider_of, server_of


@pytest.mark.parametrize(
    ("model", "declared", "expected"),
    [
        ("gpt-4o-mini", None, "openai"),
        ("openai/gpt-4o", None, "openai"),
        ("o3-mini", None, "openai"),
        ("claude-sonnet-4", None, "anthropic"),
        ("anthropic/claude-sonnet-4", None, "anthropic"),
        ("anthropic.claude-v2", None, "aws.bedrock"),
        ("bedrock/anthropic.claude-v2", None, "aws.bedrock"),
        ("gemini-2.5-pro", None, "gcp.gemini"),
        ("vertex_ai/gemini-2.5-pro", None, "gcp.vertex_ai"),
        ("azure/gpt-4o", None, "azure.ai.inference"),
        ("GPT-4o", None, "openai"),
        ("groq/llama-3", None, "groq"),
        ("ollama/llama3", None, "ollama"),
        ("grok-4", None, "x_ai"),
        ("mistral-large", None, "mistral_ai"),
        ("command-r", None, "cohere"),
        ("sonar-pro", None, "perplexity"),
        ("my-model", None, None),
        ("my-team/gpt-4o", None, None),
        ("", None, None),
        (None, None, None),
        ("my-model", "openai", "openai"),
        ("my-model", "OpenAI", "openai"),
        ("gpt-4o", "azure_openai", "azure.ai.openai"),
        ("my-model", "in-house", "in-house"),
        (None, "gemini", "gcp.gemini"),
    ],
)
def test_a_provider_has_the_name_of_the_conventions(
    model: str | None, declared: str | None, expected: str | None
) -> None:
    """What the runtime declares comes first, then the model's prefix, then its own name; else nothing."""
    assert provider_of(model, declared) == expected


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("http://127.0.0.1:8080/v1", ("127.0.0.1", 8080)),
        ("https://api.openai.com/v1", ("api.openai.com", 443)),
        ("http://host", ("host", 80)),
        ("https://user:secret@host/v1?key=secret#secret", ("host", 443)),
        ("http://[::1]:9/v1", ("::1", 9)),
        ("ftp://host", ("host", None)),
        ("host:80", (None, None)),
        ("http://host:port", (None, None)),
        ("http://host:99999", (None, None)),
        ("http://[", (None, None)),
        ("", (None, None)),
        (None, (None, None)),
    ],
)
def test_a_server_is_a_host_and_a_port(base_url: str | None, expected: tuple[str | None, int | None]) -> None:
    """Credentials, path and query of an endpoint stay out, and what is no URL is nothing."""
    assert server_of(base_url) == expected


@pytest.mark.crewai
def test_every_provider_of_the_installed_crewai_is_known() -> None:
    """The names by which CrewAI routes models are those of the table."""
    from otelstream.demo.environment import quiet_environment

    quiet_environment()
    from crewai.llm import PROVIDER_ALIASES, SUPPORTED_NATIVE_PROVIDERS

    names = {*PROVIDER_ALIASES, *PROVIDER_ALIASES.values(), *SUPPORTED_NATIVE_PROVIDERS}
    unknown = sorted(name for name in names if name not in BY_RUNTIME_NAME)
    assert unknown == [], f"providers without a row in otelstream.span.providers: {unknown}"
