"""Unused recordings, in the words of pytest: hooks that are only there if somebody wants to know of them."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest

from otelstream.errors import UsageError
from recorder.cassettes.items import id_of, layout_for, marker_on, option, path_of, shown
from recorder.cassettes.usage import Usage, unused_recordings

_OUTPUT: Final = "otelstream_recordings"


class UnusedRecordings:
    """Looks for recordings that no test of the run needs, also where many processes run them.

    Args:
        config: What was asked for.
        usage: What the tests of this process do.
    """

    def __init__(self, config: pytest.Config, usage: Usage) -> None:
        self._config = config
        self._usage = usage
        self._unused: dict[Path, str] = {}
        self._is_fatal = option(config, "unused") == "fail"
        if any("::" in argument for argument in config.args):
            usage.reasons.append("single tests were asked for")
        if config.getoption("lf", default=False):
            usage.reasons.append("only tests that failed before were asked for")

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Take note of a test module, unless it is skipped or broken: nobody knows what its tests use."""
        report = yield
        if report.passed and isinstance(collector, pytest.File):
            self._usage.layouts[collector.path] = layout_for(collector.path, self._config)
        return report

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Take note of a test that has a recording."""
        if isinstance(item, pytest.Function) and "recording" in item.fixturenames:
            with suppress(UsageError):  # the test says so when it runs
                self._usage.claims[id_of(item)] = path_of(item, marker_on(item))

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Take note that not all tests run."""
        if items:
            self._usage.reasons.append("tests were deselected")

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:  # noqa: ANN401  xdist has no types
        """Add what a process found that has ended."""
        if hasattr(node, "workeroutput") and _OUTPUT in node.workeroutput:  # not if it died
            self._usage.add(node.workeroutput[_OUTPUT])
        else:
            self._usage.reasons.append("a process that ran tests died")

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Tell the main process what was found, or in it let the run fail if that is wanted."""
        if hasattr(self._config, "workeroutput"):  # xdist documents this as the sign of a worker
            self._config.workeroutput[_OUTPUT] = self._usage.portable()
            return
        if session.shouldstop or session.shouldfail:
            self._usage.reasons.append("the run was stopped")
        if self._usage.reasons:
            return
        folders = [Path(os.path.abspath(argument)) for argument in self._config.args]
        self._unused = unused_recordings(self._usage, folders)
        if self._unused and self._is_fatal and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """List the unused recordings, or say why they are not known."""
        if self._usage.reasons:
            reasons = ", ".join(dict.fromkeys(self._usage.reasons))
            terminalreporter.write_line(f"unused recordings were not looked for: {reasons}")
        if not self._unused:
            return
        terminalreporter.section("unused recordings", red=self._is_fatal, yellow=not self._is_fatal)
        for path, what in self._unused.items():
            terminalreporter.write_line(f"{shown(path, self._config)}: {what}")
        terminalreporter.write_line("Delete them, or record their tests anew with --recording-mode=rewrite.")
