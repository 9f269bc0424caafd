"""Which variables of an environment hold secrets; their values are secrets wherever they occur."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

from otelstream.redact.harmless import looks_drawn
from otelstream.redact.keys import MIN_VALUE_LENGTH, counts_tokens, is_secret_key

# "pwd" is a password everywhere but in a shell.
_WORKING_DIRECTORIES: Final = frozenset(("PWD", "OLDPWD"))
# Such names have suffixes (TOKEN_PROD, SECRET_V1), so that one word of them is enough, wherever it stands.
_WORDS: Final = frozenset((
    "secret", "secrets", "token", "tokens", "password", "passwords", "passwd", "pwd", "pw", "pass",
    "passphrase", "passcode", "credential", "credentials", "cred", "creds", "apikey", "apikeys", "jwt",
    "dsn",
))  # fmt: skip
# These are harmless more often, as in SORT_KEY=created_at: their values must have a digit.
_DOUBTFUL_WORDS: Final = frozenset((
    "key", "keys", "sk", "pat", "auth", "cookie", "cookies",
))  # fmt: skip
# What a last word like these names is a place or a kind, as in SSH_AUTH_SOCK and TOKEN_LIMIT.
_HARMLESS_ENDS: Final = frozenset((
    "algorithm", "count", "dir", "directory", "domain", "enabled", "endpoint", "file", "home", "host",
    "id", "issuer", "length", "limit", "mode", "name", "parallelism", "path", "port", "provider",
    "region", "size", "sock", "socket", "store", "ttl", "type", "uri", "url", "user", "username",
))  # fmt: skip
# Addresses that let in whoever knows them.
_ADDRESS: Final = re.compile(
    r"(?:webhook|database|db|redis|broker|postgres|mongo|mongodb|mysql|amqp)_ur[il]\Z"
)

# The headers of OTLP exporters carry the keys of whoever takes the spans: NAME=VALUE,…, percent-encoded.
_OTLP_HEADERS: Final = re.compile(r"OTEL_EXPORTER_OTLP_(?:[A-Z]+_)?HEADERS")
_OTLP_ENDPOINT: Final = re.compile(r"OTEL_EXPORTER_OTLP_(?:[A-Z]+_)?ENDPOINT")
_USER: Final = re.compile(r"://([^/@]+)@")
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_KEY_LENGTH: Final = 16
"""Names of headers may tell nothing (`x-honeycomb-team`): so long a value, drawn at random, is a key."""


def secret_values(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the values, longest first, of the variables whose names tell of secrets.

    A value that was read from a file often ends in a line break, which is no part of the secret.
    """
    values = {name: value.strip() for name, value in environ.items() if name not in _WORKING_DIRECTORIES}
    secrets = {
        value
        for name, value in values.items()
        if len(value) >= MIN_VALUE_LENGTH and (is_secret_key(name) or _tells_secret(name, value))
    }
    secrets.update(otlp_secrets(values))
    return tuple(sorted(secrets, key=lambda secret: (-len(secret), secret)))


def otlp_secrets(environ: Mapping[str, str]) -> set[str]:
    """Return the keys that OTLP exporters are given: in headers, as written and as sent, and in endpoints."""
    found: set[str] = set()
    for variable, text in environ.items():
        if _OTLP_ENDPOINT.fullmatch(variable):
            found.update(key for user in _USER.findall(text) for key in _keys_of_user(user))
    for header in _headers(environ):
        found.update(_keys_of_header(header))
    return {secret for secret in found if len(secret) >= MIN_VALUE_LENGTH}


def malformed_headers(environ: Mapping[str, str]) -> set[str]:
    """Return the headers of OTLP exporters that the SDK quotes as a whole, as it cannot read them."""
    return {
        header
        for header in _headers(environ)
        if len(header) >= MIN_VALUE_LENGTH
        and not ("=" in header and _HEADER_NAME.fullmatch(header.partition("=")[0].strip()))
    }


def _headers(environ: Mapping[str, str]) -> list[str]:
    texts = [text for variable, text in environ.items() if _OTLP_HEADERS.fullmatch(variable)]
    return [header.strip() for text in texts for header in text.split(",")]


def _keys_of_header(header: str) -> list[str]:
    name, value = _parted(header)
    decoded = unquote(value)
    key = decoded.rpartition(" ")[2]  # what follows "Basic" or "Bearer" is secret without it, too
    is_secret = _is_key(key) or is_secret_key(name) or _tells_secret(name, decoded)
    return [value, decoded, key] if is_secret else []


def _keys_of_user(user: str) -> list[str]:
    """Return the password of `user:password`; a user without one may be a key."""
    name, _, password = user.partition(":")
    key = password or name
    return [key, unquote(key)] if password or _is_key(unquote(name)) else []


def _is_key(text: str) -> bool:
    """Tell a key that no name tells from tenants and projects, which have digits as well."""
    joined = "".join(text.split())
    return len(joined) >= _KEY_LENGTH and any(map(str.isdigit, joined)) and looks_drawn(joined)


def _parted(header: str) -> tuple[str, str]:
    """Return name and value of a header, also of one that is malformed, as "Authorization: Bearer …" is."""
    for sign in (r"\s*[:=]\s*", r"\s+"):
        name, *value = re.split(sign, header, maxsplit=1)
        if value:
            return name, value[0]
    return "", header


def _tells_secret(name: str, value: str) -> bool:
    words = [word for word in re.split("[^a-z]+", name.lower()) if word]
    if _ADDRESS.search("_".join(words)):
        return True
    has_digit = any(map(str.isdigit, value))
    if _WORDS.isdisjoint(words) and not (has_digit and not _DOUBTFUL_WORDS.isdisjoint(words)):
        return False
    return words[-1] not in _HARMLESS_ENDS and not counts_tokens(name)
