"""What several suites of the service work with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import structlog
from cloudwork.house import House, house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@pytest.fixture
def quiet() -> Iterator[None]:
    """Keep the tracebacks that are wanted out of the way: writing them takes longer than the tests."""
    with structlog.testing.capture_logs():
        yield


@pytest.fixture
async def here() -> AsyncIterator[House]:
    """A house with nothing in it yet."""
    async with house() as running:
        yield running
