"""What each test costs: `pytest --cost=20` ends with the costs by folder and of the 20 slowest.

The CPU is that of pytest's own process and of the programs that a test started and waited for. A
program that outlives the test, such as a local cloud, counts where it is ended.
"""

import os
from collections import defaultdict
from collections.abc import Generator, Mapping
from typing import Final

import pytest

_CPU: Final = "cpu_seconds"
"""The property of a report that has the CPU of its phase."""


class Costs:
    """A plugin that measures; also with xdist, whose workers send their reports."""

    def __init__(self, slowest: int) -> None:
        self.slowest = slowest
        self.before = _cpu()

    def pytest_runtest_logstart(self) -> None:
        """Begin with the next test."""
        self.before = _cpu()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Write the CPU since the last report into this one."""
        report = yield
        now = _cpu()
        report.user_properties.append((_CPU, now - self.before))
        self.before = now
        return report

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write the tables."""
        wall: dict[str, float] = defaultdict(float)
        cpu: dict[str, float] = defaultdict(float)
        for report in [each for kind in terminalreporter.stats.values() for each in kind]:
            if isinstance(report, pytest.TestReport):
                wall[report.nodeid] += report.duration
                cpu[report.nodeid] += sum(
                    value
                    for name, value in report.user_properties[-1:]
                    if name == _CPU and isinstance(value, float)
                )
        slowest = sorted(wall, key=wall.__getitem__, reverse=True)[: self.slowest]
        terminalreporter.section("cost by folder")
        _table(terminalreporter, _by_folder(wall), _by_folder(cpu))
        terminalreporter.section(f"cost of the {self.slowest} slowest tests")
        _table(terminalreporter, {test: wall[test] for test in slowest}, cpu)


def _cpu() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _by_folder(seconds: Mapping[str, float]) -> dict[str, float]:
    """Sum up by room and the folder in it."""
    folders: dict[str, float] = defaultdict(float)
    for test, value in seconds.items():
        *path, _ = test.partition("::")[0].removeprefix("tests/").split("/")
        folders["/".join(path[:3])] += value
    return folders


def _table(
    out: pytest.TerminalReporter, wall: Mapping[str, float], cpu: Mapping[str, float]
) -> None:
    out.write_line("  wall, s   CPU, s")
    for name, seconds in sorted(wall.items(), key=lambda item: -item[1]):
        out.write_line(f"{seconds:9.1f} {cpu[name]:8.1f}  {name}")
