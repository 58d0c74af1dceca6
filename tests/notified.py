"""A whole controller for tests of notifications: a simulated cloud, a pool of 100000 cores, and a clock that stands."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from lxml import etree
from netconf_server import P
from scenarios.runner.play import Player
from scenarios.runner.stage import stage
from scenarios.runner.story import Story

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

START = "<startTime>2030-01-01T00:00:00Z</startTime>"
"""Where the clock stands: everything has happened since."""

EVENT_TIME = "{urn:ietf:params:xml:ns:netconf:notification:1.0}eventTime"


@asynccontextmanager
async def playing(folder: Path, config: dict[str, Any] | None = None, **policy: Any) -> AsyncIterator[Player]:
    """Run a controller; `$cloud` is its provider."""
    cloud = {"hosts": 2, "vcpus": 50_000}
    story = Story("", (), {"cloud": cloud}, [{"cores": 100_000, "instances": 10}], policy, config or {}, (), "", "")
    player = Player(story, stage(story, folder))
    try:
        await player.stage.open()
        await player.play()
        yield player
    finally:
        await player.stage.close()


def reserve(cores: int = 1, name: str = "r") -> str:
    """Return a request for a reservation in the future."""
    return (
        f'<create-reservation xmlns="urn:opnfv:promise"><start>2030-02-01T00:00:00Z</start><end>2030-02-02T00:00:00Z'
        f"</end><capacity><cores>{cores}</cores></capacity><name>{name}</name></create-reservation>"
    )


def event(document: bytes) -> tuple[str, int]:
    """Return what a notification tells: its name, and its place in the journal (0 where it is about itself)."""
    notification = etree.fromstring(document)
    assert notification[0].tag == EVENT_TIME
    assert len(notification) == 2
    return str(notification[1].tag).rpartition("}")[2], int(notification[1].findtext(P + "sequence") or 0)
