"""Which key names hold secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

MIN_VALUE_LENGTH: Final = 8  # shorter literals occur in harmless words too often

# Compared with the end of a key without case and separators: X-Api-Key and PGPASSWORD need no own rows.
_SECRET_ENDINGS: Final = (
    *("apikey", "apikeys", "apikeyvalue", "accesskey", "accountkey", "authkey", "encryptionkey", "masterkey"),
    *("privatekey", "secretkey", "secretkeybase", "sharedkey", "signingkey", "sshkey", "subscriptionkey"),
    *("openaikey", "anthropickey", "azurekey", "coherekey", "geminikey", "groqkey", "mistralkey"),
    *("pineconekey", "githubpat", "gitlabpat", "azurepat", "devopspat"),
    *("token", "accesstokens", "apitokens", "authtokens", "bearertokens", "refreshtokens", "sessiontokens"),
    *("secret", "secrets", "secretstr", "secretbytes"),
    *("password", "passwords", "passwd", "pwd", "passphrase", "passcode", "dbpass", "smtppass", "userpass"),
    *("authorization", "basicauth", "credential", "credentials", "cookie", "cookies", "dsn"),
    *("connectionstring", "accesssignature"),
)
_BOUNDARY: Final = r"(?:(?<![A-Za-z])|(?<=[a-z])(?=[A-Z]))"
# Too short to be looked for at the end of another word.
_SECRET_WORDS: Final = re.compile(_BOUNDARY + r"(?i:pass|pw|auth|jwt)[^A-Za-z]*$")
# Words before "token" that make it a count, a cursor or a vocabulary entry. Whole words only: developer_token
# is a secret although it ends in "per_token".
_COUNTED_TOKEN: Final = re.compile(
    _BOUNDARY + r"(?i:max|min|num|total|prompt|completion|input|output|cached|reasoning|per|first|last|new"
    r"|next|page|start|end|stop|special|eos|bos|pad|unk|sep|cls|mask)[^A-Za-z0-9]?(?i:tokens?)[^A-Za-z]*$"
)
_NAME_FIELDS: Final = ("name", "key", "header", "variable")
_SEPARATORS: Final = str.maketrans("", "", "_- ./:")


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
    if ending.endswith("token") and counts_tokens(name):
        return plain in further
    return ending.endswith(_SECRET_ENDINGS) or plain in further or _SECRET_WORDS.search(name) is not None


def counts_tokens(name: str) -> bool:
    """Tell whether a name is one of a number of tokens, of a cursor or of an entry of a vocabulary."""
    return _COUNTED_TOKEN.search(name) is not None


def name_beside(items: Mapping[Any, object]) -> object:
    """Return what names the item `value` of a dict, as in {"name": "X-Api-Key", "value": …}, or None."""
    if "value" not in items:
        return None
    return next((items[field] for field in _NAME_FIELDS if field in items), None)
