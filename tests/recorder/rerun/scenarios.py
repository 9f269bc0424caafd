"""All programs to re-execute, by name: each is a function from a stage to its session.

Importing this module imports CrewAI.
"""

from __future__ import annotations

from tests.recorder.rerun import crews, flows, oddities
from tests.recorder.rerun.stage import Scenario

SCENARIOS: dict[str, Scenario] = {
    scenario.__name__: scenario
    for scenario in (
        crews.tools,
        crews.text_tools,
        crews.hierarchy,
        crews.delegation,
        crews.guardrail,
        crews.structured_task,
        flows.structured_call,
        flows.asynchronous,
        flows.parallel,
        flows.caught_failure,
        flows.raising,
        flows.secret,
        flows.thinking,
        flows.provider,
        oddities.hooked,
        oddities.repeated_tool,
        oddities.async_tool,
        oddities.nested,
        oddities.lone_agent,
        oddities.own_function,
        oddities.own_threads,
    )
}

REORDERED = {"parallel", "tools", "own_threads"}
"""Scenarios of which no two performances need have the same order."""
