"""Which key names hold secrets, and which variables of an environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

MIN_VALUE_LENGTH: Final = 8  # shorter literals occur in harmless words too often

# Compared with the end of a key without case and separators: X-Api-Key and PGPASSWORD need no own rows.
_SECRET_ENDINGS: Final = (
    *("apikey", "apikeys", "accesskey", "accountkey", "authkey", "encryptionkey", "privatekey", "secretkey"),
    *("sharedkey", "signingkey", "sshkey", "subscriptionkey", "token", "secret", "secrets", "secretstr"),
    *("secretbytes", "password", "passwords", "passwd", "pwd", "passphrase", "dbpass", "smtppass"),
    *("authorization", "basicauth", "credential", "credentials", "cookie", "cookies", "dsn"),
    *("connectionstring", "userpass", "accesssignature"),
)
# Words before "token" that make it a count, a cursor or a vocabulary entry. Whole words only: developer_token
# is a secret although it ends in "per_token".
_COUNTED_TOKEN: Final = re.compile(
    r"(?:(?<![A-Za-z])|(?<=[a-z])(?=[A-Z]))"
    r"(?i:max|min|num|total|prompt|completion|input|output|cached|reasoning|per|first|last|new|next|page"
    r"|start|end|stop|special|eos|bos|pad|unk|sep|cls|mask)[^A-Za-z0-9]?(?i:token)[^A-Za-z]*$"
)
_SEPARATORS: Final = str.maketrans("", "", "_- ./:")
_WORKING_DIRECTORIES: Final = frozenset(("PWD", "OLDPWD"))  # "pwd" is a password everywhere but in a shell


def secret_values(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Returns the values, longest first, of the variables whose names are secret keys."""
    secrets = {
        value
        for name, value in environ.items()
        if len(value) >= MIN_VALUE_LENGTH and name not in _WORKING_DIRECTORIES and is_secret_key(name)
    }
    return tuple(sorted(secrets, key=lambda secret: (-len(secret), secret)))


def squash(name: str) -> str:
    """Return a key name as names are compared: without case and separators."""
    return name.lower().translate(_SEPARATORS)


def is_secret_key(name: str, further: frozenset[str] = frozenset()) -> bool:
    """Tell whether what stands under that name is a secret.

    Args:
        name: A key.
        further: More secret names, squashed.
    """
    plain = squash(name)
    ending = plain.rstrip("0123456789")
    if ending.endswith("token") and _COUNTED_TOKEN.search(name):
        return plain in further
    return ending.endswith(_SECRET_ENDINGS) or plain in further
