"""Which variables of an environment hold secrets."""

from __future__ import annotations

import pytest

from otelstream.redact import secret_values


def test_secret_values_are_those_of_secret_names() -> None:
    """Long enough values under secret names come back once, longest first; the working directory does not."""
    environ = {
        "OPENAI_API_KEY": "sk-12345",
        "DB_PASSWORD": "correct horse",
        "AWS_SECRET_ACCESS_KEY": "abcdefghij",
        "PGPASSWORD": "correct horse",
        "GITHUB_TOKEN": "short",
        "HOME": "/home/somebody",
        "MAX_TOKENS": "100000000",
        "PWD": "/home/somebody/work",
        "OLDPWD": "/home/somebody/else",
    }
    assert secret_values(environ) == ("correct horse", "abcdefghij", "sk-12345")


@pytest.mark.parametrize(
    "name",
    [
        "AZURE_OPENAI_KEY", "COHERE_KEY", "PINECONE_KEY", "MASTER_KEY", "GITHUB_PAT", "API_TOKENS", "JWT",
        "SECRET_KEY_BASE", "MY_PASS", "DB_PW", "TWILIO_AUTH", "NPM_AUTH", "STRIPE_SK", "TOKEN_PROD",
        "API_KEY_PROD", "PASSWORD_DB", "SECRET_V1", "SIGNING_KEY_V2", "SLACK_WEBHOOK_URL", "DATABASE_URL",
    ],
)  # fmt: skip
def test_one_word_of_a_name_is_enough(name: str) -> None:
    """Names of variables have suffixes; a line break that ends a value is no part of it."""
    assert secret_values({name: "abcd-1234-efgh\n"}) == ("abcd-1234-efgh",)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SSH_AUTH_SOCK", "/tmp/ssh-1/agent.1"), ("SORT_KEY", "created_at"), ("TOKEN_URL", "https://h/t1"),
        ("HF_TOKEN_PATH", "/cache/token1"), ("TOKENIZERS_PARALLELISM", "disabled"), ("KEYBOARD", "qwertz-1"),
        ("OPENAI_MAX_OUTPUT_TOKENS", "10000000"), ("COMPASS", "north-by-1"), ("MY_PASS", "  short  "),
    ],
)  # fmt: skip
def test_names_of_places_counts_and_other_things_stay(name: str, value: str) -> None:
    """What is harmless is no literal that would be masked in every text."""
    assert secret_values({name: value}) == ()


def test_keys_of_otlp_headers_are_secrets() -> None:
    """Headers of OTLP exporters give their keys, encoded and decoded, with and without the scheme."""
    environ = {
        "OTEL_EXPORTER_OTLP_HEADERS": "Authorization=Basic%20cGstbGY6c2s=,x-langfuse-ingestion-version=4",
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "x-honeycomb-team=hcaik_01hqk4k20000, x-dataset=production",
        "OTEL_EXPORTER_OTLP_METRICS_HEADERS": "authorization: Bearer malformed==",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "https://user:of-an-endpoint@otlp.example/of-16-or-more-0",
    }
    assert secret_values(environ) == (
        "Basic%20cGstbGY6c2s=",
        "Basic cGstbGY6c2s=",
        "Bearer malformed==",
        "hcaik_01hqk4k20000",
        "of-an-endpoint",
        "cGstbGY6c2s=",
        "malformed==",
    )


@pytest.mark.parametrize(
    "headers",
    [
        "x-scope-orgid=acme-europe-west-1", "accept=application/x-protobuf; q=0.9", "x-tenant: production",
        "user-agent=otelstream/0.1.0 python", "x-note=the quick brown fox 2 jumped", "x-tags=a,production",
        "application/json", "x-region=us-central1-docker.pkg.dev", "x-flag=true,x-account=123456789012",
    ],
)  # fmt: skip
def test_ordinary_values_of_headers_stay(headers: str) -> None:
    """Tenants, places, types and words are no keys, in a malformed header, too: frames may speak of them."""
    assert secret_values({"OTEL_EXPORTER_OTLP_HEADERS": headers}) == ()


@pytest.mark.parametrize(
    "header", ["x-team hcaik_01hqk4k20000", "x team=hcaik_01hqk4k20000", "a-hcaik_01hqk4k2"]
)
def test_a_key_in_a_malformed_header_is_a_secret(header: str) -> None:
    """Whatever is wrong with the header; the key is a secret by itself."""
    assert secret_values({"OTEL_EXPORTER_OTLP_HEADERS": header}) == (header.replace("=", " ").split(" ")[-1],)


def test_a_password_in_an_endpoint_is_a_secret_as_it_is_sent() -> None:
    """Written in percent, and what that stands for."""
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://me:p%40ssword@otlp.example"}
    assert secret_values(environ) == ("p%40ssword", "p@ssword")


@pytest.mark.parametrize(
    ("user", "secrets"),
    [
        ("4f0c9e1b2a7d4c58", ("4f0c9e1b2a7d4c58",)),
        ("4f0c9e1b2a7d4c58:", ("4f0c9e1b2a7d4c58",)),
        ("me:pass:word", ("pass:word",)),
        ("otel-collector-1", ()),
    ],
)
def test_a_user_without_a_password_may_be_a_key(user: str, secrets: tuple[str, ...]) -> None:
    """If it is drawn at random; a name is none. A password may have a colon."""
    assert secret_values({"OTEL_EXPORTER_OTLP_ENDPOINT": f"https://{user}@otlp.example"}) == secrets
