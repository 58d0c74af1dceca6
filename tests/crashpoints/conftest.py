"""Where the state directories of so many lives are kept, and what they may say."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import structlog

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def memory() -> Iterator[Path]:
    """Return a folder in memory where there is one: many small commits are then not bound by the disk."""
    place = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - only the folder, the name is random
    with tempfile.TemporaryDirectory(prefix="crashpoints-", dir=place) as folder:
        yield Path(folder)


@pytest.fixture(autouse=True)
def _quietly() -> Iterator[None]:
    """Keep the many warnings that are wanted out of the way: making them takes longer than what they tell of."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)
