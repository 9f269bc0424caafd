"""The table against CrewAI's own description of its events."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from otelstream.span import rules
from otelstream.span.attributes import at_end, at_start
from otelstream.span.rules import CHUNKS, INTERNAL_FLOWS, PAIRS, Role, Rule, rule_for

EVENT_TYPES: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "golden" / "event_types.json").read_text()
)
KINDS = [kind for kind in vars(rules).values() if isinstance(kind, rules.Kind)]


def rows() -> set[tuple[str, str]]:
    """The start and the end type of each way in which a row of the table can end."""
    return {(pair.start, end) for pair in PAIRS for end in pair.ends + pair.fails}


def test_every_scope_of_the_runtime_has_a_row() -> None:
    """Each pair that the runtime's event classes declare is in the table."""
    declared = {(row["closes"], name) for name, row in EVENT_TYPES.items() if row["scope"] == "end"}
    assert declared - rows() == set(), "pairs without a row"


def test_every_start_of_the_runtime_has_a_row() -> None:
    """Each type that the runtime declares as a start opens a span."""
    starts = {name for name, row in EVENT_TYPES.items() if row["scope"] == "start"}
    assert starts - {pair.start for pair in PAIRS} == set(), "starts without a row"


def test_the_pairs_of_our_own_are_these() -> None:
    """Of what is no scope of the runtime, only turns enclose what comes between their frames."""
    declared = {name for name, row in EVENT_TYPES.items() if row["scope"] is not None}
    ours = {pair.start: pair.encloses for pair in PAIRS if pair.start not in declared}
    assert ours == {
        "conversation_turn_started": True,
        "plan_step_started": False,
        "step_observation_started": False,
        "context_window_summarization_started": False,
        "checkpoint_started": False,
        "checkpoint_restore_started": False,
        "checkpoint_fork_started": False,
        "skill_discovery_started": False,
    }


def test_a_scope_of_the_runtime_encloses() -> None:
    """What the runtime's own stack holds is around what comes between its frames."""
    declared = {name for name, row in EVENT_TYPES.items() if row["scope"] == "start"}
    assert {pair.encloses for pair in PAIRS if pair.start in declared} == {True}


def test_every_started_type_has_a_row_or_is_known_to_have_no_end() -> None:
    """A type that is called a start opens a span, but for those whose end does not exist."""
    started = {name for name in EVENT_TYPES if name.endswith("_started")}
    assert started - {pair.start for pair in PAIRS} == {
        "agent_logs_started",
        "a2a_polling_started",
        "a2a_streaming_started",
    }


@pytest.mark.crewai
def test_every_scope_of_the_installed_crewai_has_a_row() -> None:
    """The table knows the starts and pairs of the CrewAI that is installed."""
    from otelstream.demo.environment import quiet_environment

    quiet_environment()
    from crewai.events.event_context import SCOPE_STARTING_EVENTS, VALID_EVENT_PAIRS

    assert set(SCOPE_STARTING_EVENTS) - {pair.start for pair in PAIRS} == set(), "starts without a row"
    assert {(start, end) for end, start in VALID_EVENT_PAIRS.items()} - rows() == set(), "pairs without a row"


@pytest.mark.crewai
def test_the_types_of_the_installed_crewai_are_known() -> None:
    """A type that a newer CrewAI has and `event_types.json` has not is named, so that it gets its row."""
    from otelstream.demo.environment import quiet_environment

    quiet_environment()
    import crewai.events.types
    from crewai.events.base_events import BaseEvent

    for module in pkgutil.iter_modules(crewai.events.types.__path__):
        importlib.import_module(f"crewai.events.types.{module.name}")
    new = types_beneath(BaseEvent) - EVENT_TYPES.keys()
    unknown = sorted(name for name in new if name not in rules.RULES)
    assert unknown == [], f"event types without a row in otelstream.span.rules: {', '.join(unknown)}"


def types_beneath(base: type[Any]) -> set[str]:
    """The event types of CrewAI's own classes beneath a class."""
    found: set[str] = set()
    for one in base.__subclasses__():
        declared = one.model_fields["type"].default if one.__module__.startswith("crewai.") else None
        found |= types_beneath(one) | ({declared} if isinstance(declared, str) and declared else set())
    return found


@pytest.mark.crewai
def test_the_internal_flows_are_those_of_the_installed_crewai() -> None:
    """The flows that CrewAI marks as its own are those of the table."""
    from otelstream.demo.environment import quiet_environment

    quiet_environment()
    import crewai

    sources = [path.read_text() for path in Path(crewai.__file__).parent.rglob("*.py")]
    marked = [source for source in sources if "is_crewai_internal: ClassVar[bool] = True" in source]
    assert {name for source in marked for name in re.findall(r"class (\w+)\(Flow\[", source)} == set(
        INTERNAL_FLOWS
    )


def test_no_type_is_in_two_rows() -> None:
    """Each type says one thing."""
    types = [name for pair in PAIRS for name in (pair.start, *pair.ends, *pair.fails)] + list(CHUNKS)
    assert [name for name, count in Counter(types).items() if count > 1] == []


def test_a_failing_type_says_so() -> None:
    """The types that end a span with an error are those named like one."""
    failing = {name for name, rule in rules.RULES.items() if rule.failed}
    assert failing == {name for name in rules.RULES if name.endswith(("_failed", "_error"))}


@pytest.mark.parametrize(
    ("frame_type", "rule"),
    [
        ("task_started", Rule(Role.OPEN, PAIRS[6])),
        ("task_completed", Rule(Role.CLOSE, PAIRS[6])),
        ("task_failed", Rule(Role.CLOSE, PAIRS[6], failed=True)),
        ("llm_stream_chunk", Rule(Role.CHUNK)),
        ("llm_thinking_chunk", Rule(Role.CHUNK)),
        ("agent_logs_started", Rule(Role.EVENT)),
        ("my_job_started", Rule(Role.EVENT)),
        ("", Rule(Role.EVENT)),
    ],
)
def test_a_type_has_its_rule(frame_type: str, rule: Rule) -> None:
    """A type of the table does what its row says; any other annotates, whatever it is called."""
    assert rule_for(frame_type) == rule


def test_the_ids_of_kinds_differ() -> None:
    """A kind is known by its id."""
    assert len({kind.id for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.id)
def test_every_kind_has_attribute_functions(kind: rules.Kind) -> None:
    """Each kind turns a frame with no data into attributes and does not fail."""
    assert set(at_start(kind, {}, {}).values()) <= {kind.span_name, "function"}
    assert at_end(kind, {}) == {}


def test_only_models_and_vector_stores_are_called() -> None:
    """The kind CLIENT belongs to what leaves the process: model calls and retrievals."""
    assert [kind.id for kind in KINDS if kind.client] == ["llm", "knowledge_search"]
