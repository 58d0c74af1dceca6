"""What the crash tests share: the program that forks servers, and the lines about each run in the summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from crash.processes import Cradle

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def cradle() -> Iterator[Cradle]:
    parent = Cradle()
    yield parent
    parent.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the runs have told about themselves; a run that was cut short still says its seed."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, value in report.user_properties:
                if name == "crash":
                    terminalreporter.write_line(f"crash: {value}")
