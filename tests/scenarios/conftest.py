"""Every YAML file below this folder is a test: a story, played over NETCONF (docs/how-to/write-a-scenario.md)."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from scenarios.runner.judgement import StoryFailed
from scenarios.runner.play import perform
from scenarios.runner.story import load
from scenarios.runner.words import StoryError

from promise.errors import LedgerUnusable

if TYPE_CHECKING:
    from collections.abc import Iterable


class StoryFile(pytest.File):
    """A file with one story."""

    def collect(self) -> Iterable[pytest.Item]:
        yield StoryItem.from_parent(self, name=self.path.stem)


class StoryItem(pytest.Item):
    """One story."""

    def runtest(self) -> None:
        story = load(self.path)
        if story.not_yet:
            self.add_marker(pytest.mark.xfail(reason=story.not_yet, strict=True, raises=StoryFailed))
        with tempfile.TemporaryDirectory(prefix="story-", dir=_memory()) as folder:
            asyncio.run(perform(story, Path(folder)))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        """Tell a failing story by what was asked, answered and expected; anything else by its traceback."""
        if isinstance(excinfo.value, StoryFailed | StoryError | LedgerUnusable):
            return f"{self.path.name}: {excinfo.value}"
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.name


def _memory() -> str | None:
    """Return a folder in memory where there is one: many small commits are then not bound by the disk."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - only the folder, the name is random


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Take every story."""
    return StoryFile.from_parent(parent, path=file_path) if file_path.suffix == ".yaml" else None
