from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from contract.scripted_cloud import ScriptedCloud, scripted_cloud

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def cloud() -> AsyncIterator[ScriptedCloud]:
    async with scripted_cloud() as running:
        yield running
