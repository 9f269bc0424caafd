"""What the redaction masks, what it leaves alone, and that it does both once and for all."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otelstream.redact import MAX_DEPTH, Json, Redactor

REDACTOR = Redactor()
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1g"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7\nbXq-\n-----END RSA PRIVATE KEY-----"
LONG = "AbCdEf0123456789GhIjKl"

SECRET_KEYS = [
    "api_key", "apikey", "apiKey", "API Key", "X-API-Key", "OPENAI_API_KEY", "openaiApiKey",
    "OPENAI_API_KEY_2", "authorization", "Proxy-Authorization", "token", "access_token", "refreshToken",
    "id_token", "bearer_token", "developer_token", "password", "passwd", "pwd", "passphrase", "db_password",
    "PGPASSWORD", "secret", "client_secret", "clientSecret", "secret_key", "AWS_SECRET_ACCESS_KEY",
    "private_key", "sshPrivateKey", "access_key", "credentials", "credential", "cookie", "Set-Cookie",
    "connection_string", "dsn", "SENTRY_DSN", "pass", "db-pass", "pw", "auth", "jwt", "passcode",
    "access_tokens", "api_key_value", "secret_key_base", "master_key", "github_pat", "openai_key",
]  # fmt: skip
HARMLESS_KEYS = [
    "tokens", "max_tokens", "total_tokens", "prompt_tokens", "completion_tokens", "token_usage",
    "token_count", "token_type", "max_token", "maxToken", "time_to_first_token", "costPerToken", "eos_token",
    "next_page_token", "key", "agent_key", "monkey", "author", "secretary", "passed", "keyword", "call_id",
    "compass", "bypass", "oauth_url", "path", "sort_key", "max_tokens_2", "MAX_OUTPUT_TOKENS",
]  # fmt: skip


@pytest.mark.parametrize("key", SECRET_KEYS)
def test_a_secret_key_masks_its_value(key: str) -> None:
    """Whatever its case and separators, a secret's name is recognised."""
    assert REDACTOR.redact({key: "x", "model": "m"}) == {key: "REDACTED", "model": "m"}


@pytest.mark.parametrize("key", HARMLESS_KEYS)
def test_counts_cursors_and_lookalikes_are_no_secrets(key: str) -> None:
    """A key that only resembles a secret's name leaves its value alone."""
    data = {key: 4096, "nested": {key: "x"}}
    assert REDACTOR.redact(data) is data


def test_everything_under_a_secret_key_is_masked() -> None:
    """Strings and numbers below a secret key are masked at any depth, while their keys stay."""
    data = {"credentials": {"user": "u", "pins": [1234, 5.5, ("a", None)], "active": True, "more": {"x": ""}}}
    masked = {
        "credentials": {
            "user": "REDACTED",
            "pins": ["REDACTED", "REDACTED", ("REDACTED", None)],
            "active": True,
            "more": {"x": ""},
        }
    }
    assert REDACTOR.redact(data) == masked


@pytest.mark.parametrize("value", [None, True, False, "", "None", "null", "''", '""', "REDACTED", [], {}])
def test_a_secret_key_without_a_secret_stays(value: Json) -> None:
    """What says that there is no secret is kept, as it tells more than a placeholder."""
    data = {"api_key": value}
    assert REDACTOR.redact(data) is data


def test_only_the_changed_branches_are_copied() -> None:
    """A branch without a secret is the same object in the result."""
    clean = {"model": "m", "stop": ["a", "b"]}
    masked = REDACTOR.redact({"clean": clean, "llm": {"api_key": "x"}})
    assert masked["clean"] is clean


def test_nesting_below_the_depth_limit_becomes_the_placeholder() -> None:
    """Two thousand levels do not raise; the level below the limit is cut."""
    data: Json = "leaf"
    for _ in range(2_000):
        data = [data]
    expected: Json = "REDACTED"
    for _ in range(MAX_DEPTH):
        expected = [expected]
    assert REDACTOR.redact(data) == expected


def test_secrets_in_keys_are_masked_and_no_entry_is_lost() -> None:
    """Keys that become equal are numbered in their order, around keys that are there already."""
    data = {f"sk-{LONG}": 1, "REDACTED": 2, f"ghp_{LONG}": 3, "plain": 4, f"user {JWT}": 5, 7: 6}
    masked = {"REDACTED (2)": 1, "REDACTED": 2, "REDACTED (3)": 3, "plain": 4, "user REDACTED": 5, 7: 6}
    assert list(REDACTOR.redact(data).items()) == list(masked.items())


PAIRS = [
    ("api_key='sk-…', model='m'", "api_key='REDACTED', model='m'"),
    ('api_key="…"', 'api_key="REDACTED"'),
    ("{'n': None, 'api_key': 'x', 'base_url': 'u'}", "{'n': None, 'api_key': 'REDACTED', 'base_url': 'u'}"),
    ('{"api_key": "x", "n": 1}', '{"api_key": "REDACTED", "n": 1}'),
    ('"api_key": "\'x\'"', '"api_key": "REDACTED"'),
    (r"\"api_key\": \"x\", \"n\": 1", r"\"api_key\": \"REDACTED\", \"n\": 1"),
    (r"\\\"api_key\\\": \\\"x y\\\"}", r"\\\"api_key\\\": \\\"REDACTED\\\"}"),
    (r"'api_key': \'x\', 'n': 1", r"'api_key': \'REDACTED\', 'n': 1"),
    ("api_key=x, n=1", "api_key=REDACTED, n=1"),
    ("apiKey: x", "apiKey: REDACTED"),
    ("x-api-key: x", "x-api-key: REDACTED"),
    ("API Key: x", "API Key: REDACTED"),
    ("`api_key`: `x`", "`api_key`: `REDACTED`"),
    ("api_key=\"it's\", n=1", "api_key=\"REDACTED\", n=1"),
    ("password='say \"hi\" to all'", "password='REDACTED'"),
    (r"password='it\'s \"open\"', n=1", "password='REDACTED', n=1"),
    (r'"password": "a\"b", "n": 1', '"password": "REDACTED", "n": 1'),
    (r'{"password": "ends in\\"}', '{"password": "REDACTED"}'),
    ("api_key=b'x'", "api_key=b'REDACTED'"),
    ("api_key=SecretStr('x'), n=1", "api_key=SecretStr('REDACTED'), n=1"),
    ("SecretStr('x')", "SecretStr('REDACTED')"),
    ("os.environ['API_KEY'] = 'x'", "os.environ['API_KEY'] = 'REDACTED'"),
    ("api_key: str | None = 'x'", "api_key: str | None = 'REDACTED'"),
    ("if password == 'x':", "if password == 'REDACTED':"),
    ("export OPENAI_API_KEY=x; make", "export OPENAI_API_KEY=REDACTED; make"),
    ("curl --api-key k3y-42 --verbose", "curl --api-key REDACTED --verbose"),
    ("GET /v1?api_key=a&token=b&q=c", "GET /v1?api_key=REDACTED&token=REDACTED&q=c"),
    (r"first\napi_key=x\nlast", r"first\napi_key=REDACTED\nlast"),
    ("Server=s;Password=p;User=u", "Server=s;Password=REDACTED;User=u"),
    ("Authorization: Bearer x", "Authorization: Bearer REDACTED"),
    ("authorization: Basic dTpw", "authorization: Basic REDACTED"),
    ("'Authorization': 'Bearer x'", "'Authorization': 'REDACTED'"),
    ("Cookie: a=b; c=d\nHost: h", "Cookie: REDACTED\nHost: h"),
    ("credentials={'a': 'u', 'b': ['v']}, n=1", "credentials={'a': 'REDACTED', 'b': ['REDACTED']}, n=1"),
    ("'token': word", "'token': REDACTED"),
    ("token=word", "token=REDACTED"),
    ("the token: abc123 works", "the token: REDACTED works"),
    ("password='cut before its", "password='REDACTED before its"),
    ("password='cut at a backslash \\", "password='REDACTED at a backslash \\"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "masked"), PAIRS)
def test_the_value_of_a_secret_key_in_text_is_masked(text: str, masked: str) -> None:
    """In reprs, JSON texts, URLs, headers and commands only the value goes; all around it stays."""
    assert REDACTOR.redact_text(text) == masked


HARMLESS_TEXTS = [
    "api_key=None, n=1", "'api_key': None", '"api_key": null', "api_key=''", 'api_key=""', "api_key=True",
    "the token: is lost", "The secret: patience.", "password: required", "Authorization: required", "token:",
    "pass the --token flag", "def login(password: str) -> None", "token=get_token(1)", "if token == other:",
    "api_key=os.environ['X']", "credentials=<Credentials object at 0x7f>", "api_key: Optional[str] = None",
    "max_tokens=None, total_tokens=12", "token_type='bearer'", "key=value", "monkey: abc123",
    "bearer authentication", "task-management-for-everyone", "risk-assessment-framework", "sk-short", "eyJ",
    "http://localhost:8080/a?b=c@d", "mail a@b.c about http://h:80", "https://user@host/", "github.com/hf_x",
    "see -----BEGIN PRIVATE KEY----- in it", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
]  # fmt: skip


@pytest.mark.parametrize("text", HARMLESS_TEXTS)
def test_prose_code_and_empty_values_stay(text: str) -> None:
    """Text that speaks of secrets without telling one is the same object afterwards."""
    assert REDACTOR.redact_text(text) is text


SHAPES = [
    *((shape, "REDACTED") for shape in (f"sk-{LONG}", f"sk-proj-{LONG}", f"sk-ant-api03-{LONG}-x_y")),
    *((shape, "REDACTED") for shape in (f"AIza{LONG}{LONG}", "AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE")),
    *((f"{prefix}_{LONG}", "REDACTED") for prefix in ("ghp", "gho", "ghs", "github_pat", "hf", "gsk", "npm")),
    *((f"{prefix}{LONG}", "REDACTED") for prefix in ("glpat-", "xoxb-", "xoxp-", "sk_live_", "rk_live_")),
    ("https://h/x?key=abcdefgh12&q=tea", "https://h/x?key=REDACTED&q=tea"),
    ("curl -u ada:hunter2x https://h", "curl -u ada:REDACTED https://h"),
    (JWT, "REDACTED"),
    (PEM, "REDACTED"),
    (PEM.replace("\n", "\\n"), "REDACTED"),
    (f"Bearer {LONG}", "Bearer REDACTED"),
    ("postgres://u:p@h:5432/db", "postgres://u:REDACTED@h:5432/db"),
    ("mongodb+srv://u:p%40@q@h/?w=1", "mongodb+srv://u:REDACTED@h/?w=1"),
    ("redis://:p@h", "redis://:REDACTED@h"),
    ("AccountName=a;AccountKey=Zm9v==;Suffix=s", "AccountName=a;AccountKey=REDACTED;Suffix=s"),
    (f"https://h/c?sv=1&sig={LONG}%3D&se=2", "https://h/c?sv=1&sig=REDACTED&se=2"),
]


@pytest.mark.parametrize(("secret", "masked"), SHAPES)
def test_a_secret_is_known_by_its_shape(secret: str, masked: str) -> None:
    """Anywhere in a text, also right behind an escaped line break, a well-known shape is masked."""
    assert REDACTOR.redact_text(f"see ({secret}) or\\n{secret} end") == f"see ({masked}) or\\n{masked} end"


@pytest.mark.parametrize("line_break", ["\n", "\\n"])
def test_a_private_key_cut_before_its_end_is_masked(line_break: str) -> None:
    """What is left of a key block goes up to its last, short line."""
    lines = ("key: -----BEGIN PRIVATE KEY-----", LONG, LONG, "abc")
    assert REDACTOR.redact_text(line_break.join(lines)) == "key: REDACTED"


@pytest.mark.parametrize(
    ("redactor", "value", "masked"),
    [
        (Redactor(keys=["ssn"]), {"SSN": 7, "lesson": "x"}, {"SSN": "REDACTED", "lesson": "x"}),
        (Redactor(keys=["Case-Id"]), "caseId=4, n=1", "caseId=REDACTED, n=1"),
        (Redactor(patterns=[r"E-\d+"]), ["E-12 and E-3"], ["REDACTED and REDACTED"]),
        (Redactor(patterns=[re.compile(r"born (?P<secret>\d+)")]), "born 1990", "born REDACTED"),
        (Redactor(patterns=["[A-Z]*"]), "aBC", "aREDACTED"),
        (Redactor(patterns=["[A-Z]"]), {"api_key": "None"}, {"api_key": "REDACTED"}),
        (Redactor(values=["hunter2!", "hunter2!long"]), "x hunter2!longer", "x REDACTEDer"),
        (Redactor(values=["hunter2!"]), {"a hunter2!": ("hunter2!",)}, {"a REDACTED": ("REDACTED",)}),
        (Redactor(values=["short", "password"]), "short password='x'", "short password='REDACTED'"),
        (Redactor(function=str.upper), {"a": ["b", 1], "token": "x"}, {"a": ["B", 1], "token": "REDACTED"}),
    ],
)  # fmt: skip
def test_the_user_adds_rules(redactor: Redactor, value: Json, masked: Json) -> None:
    """Further keys, patterns, literal values and a function work beside the default rules."""
    assert redactor.redact(value) == masked


def test_a_bad_pattern_is_refused() -> None:
    """A pattern that is no regular expression is named in one sentence."""
    message = r"The redaction pattern '\(' is no valid regular expression: missing \), .* at position 0\."
    with pytest.raises(ValueError, match=f"^{message}$"):
        Redactor(patterns=["fine", "("])


def test_a_redactor_learns_further_values() -> None:
    """It keeps its own rules, and the one that it was made of does not learn them."""
    own = Redactor(keys=["case"], values=["hunter2!"], function=str.lower)
    both = own.knowing(["correct horse 9"])
    text = {"case": "x", "note": "hunter2! correct horse 9 END"}
    assert both.redact(text) == {"case": "redacted", "note": "redacted redacted end"}
    assert own.redact(text)["note"] == "redacted correct horse 9 end"


FRAGMENTS = [
    "('password', '", "['X-Api-Key', \"", "<password>", "</", "/home/", "include", "logprob", "%3D", "basic ",
    "api_key", "token", "password", "Authorization", "cookie", "max_tokens", "apiKey", "SecretStr(", "=",
    ": ", "'", '"', "\\", "\\\\", "`", " ", ",", ";", "&", "[", "]", "{", "}", "(", ")", "--", "\n", "\\n",
    "==", "/", "sk-", LONG, "Bearer ", "eyJ", JWT, PEM, "-----BEGIN PRIVATE KEY-----", "://", "@", "u:p",
    "AKIA", "sig=", "AKIAIOSFODNN7EXAMPLE", "ghp_", "hunter2!", "RED", "REDACTED", "ACTED", "None", "x", "a1",
    "-", "_", "é",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join) | st.text(max_size=20)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
VALUES: st.SearchStrategy[Json] = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(TEXTS | st.sampled_from(SECRET_KEYS) | st.integers(), inner, max_size=4)
    ),
    max_leaves=12,
)
REDACTORS = st.sampled_from(
    [
        REDACTOR,
        Redactor(values=["hunter2!", "ABCDEFGR", "x REDACTED y", "=hunter2!"]),
        Redactor(keys=["x", "REDACTED"], patterns=["[A-Z]", r"(?P<secret>a)1", "(?=x)", r"(?<=a)\d"]),
    ]
)


@settings(deadline=None)
@given(REDACTORS, VALUES)
def test_redaction_is_idempotent(redactor: Redactor, value: Json) -> None:
    """Redacting what is redacted changes nothing."""
    once = redactor.redact(value)
    assert redactor.redact(once) == once


@settings(deadline=None)
@given(REDACTORS, VALUES)
def test_the_input_is_never_changed(redactor: Redactor, value: Json) -> None:
    """The value handed in is equal to its own copy afterwards."""
    before = copy.deepcopy(value)
    redactor.redact(value)
    assert value == before


@settings(deadline=None)
@given(REDACTORS, VALUES)
def test_an_equal_result_is_the_same_object(redactor: Redactor, value: Json) -> None:
    """A caller may compare by identity to learn whether anything was masked."""
    masked = redactor.redact(value)
    assert (masked == value) == (masked is value)


AWKWARD = st.text(alphabet="'\"\\`,;:)]} ab\n\té", max_size=4)
ENCODERS: list[Callable[[Json], str]] = [
    repr,
    json.dumps,
    lambda value: json.dumps({"inner": value}, indent=1),
]


@settings(deadline=None)
@given(
    st.sampled_from(SECRET_KEYS),
    AWKWARD,
    AWKWARD,
    st.lists(st.sampled_from(ENCODERS), min_size=1, max_size=4),
)
def test_no_nesting_of_reprs_and_json_hides_a_secret(
    key: str, before: str, after: str, encoders: list[Callable[[Json], str]]
) -> None:
    """A secret with quotes, backslashes and delimiters in it is masked however often its dict was encoded."""
    text: Json = {"model": "m1", key: f"{before}Zq9{after}", "last": "l1"}
    for encode in encoders:
        text = encode(text)
    masked = REDACTOR.redact_text(text)
    assert [word in masked for word in ("m1", "Zq9", "l1")] == [True, False, True]


@pytest.mark.timeout(45)  # seconds; what is quadratic and ends by then takes 281 of them for a megabyte
@pytest.mark.parametrize(
    "unit",
    [
        "api_key=", "api_key='", 'api_key=\\"', "api_key=[", "token==", "token: a ", "--token ",
        "SecretStr('", "\\", "a", "'", '"', "eyJ", "-eyJ", "eyJa.", "sk-", "-", "://a:", "bearer ",
        "cookie: a=b; ", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----", "secret=a[", "REDACTEDsk-",
        "AKIAIOSFODNN7EXAMPLE", "://a:b/", "://a:/", "basic a", "('token', ", "['token', '", "<password>",
        "<password>x</", "name': 'token', 'value': ", "%3Dtoken", "api_key%3D", "token: |\n ", "a.token=b.",
        "-u a:", "--user ", "123456789:AA", "a8Q~", "SG.aaaaaaaaaaaaaaaa", "hooks.slack.com/services/",
    ],
)  # fmt: skip
def test_a_long_text_of_repeats_finishes(unit: str) -> None:
    """No rule backtracks over a long text, or this test would not end."""
    assert REDACTOR.redact_text(unit * (400_000 // len(unit)) + "'")
