from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from contract.scripted_cloud import ScriptedCloud, scripted_cloud
from contract.sites import LIVE, Site, real, simulated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

live = pytest.param(
    real, id="live", marks=[pytest.mark.live, pytest.mark.skipif(not LIVE, reason="PROMISE_LIVE_CLOUDS")]
)


@pytest.fixture(params=[pytest.param(simulated, id="simulator"), live])
async def site(request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    """A cloud, simulated and real."""
    async with request.param() as running:
        yield running


@pytest.fixture
async def cloud() -> AsyncIterator[ScriptedCloud]:
    async with scripted_cloud() as running:
        yield running
