"""Whatever goes wrong with whichever request to OpenStack: one server in the end, or none, and nobody loses anything.

Every request of a create, a destroy and a whole look at the cloud, sign-in included, meets every fault, one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from crashpoints.plant import Request, plant

from promise.allocation.model import VmState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from crashpoints.plant import Plant

    from promise.allocation.model import Allocation

REFUSALS: Final[dict[str, dict[str, Any]]] = {
    f"refused with {status}": {"action": "error", "status": status} for status in (400, 403, 404, 409)
}
"""Answers after which it is certain that nothing was made."""

FAULTS: Final[dict[str, dict[str, Any]]] = {
    **REFUSALS,
    "the token is not accepted": {"action": "error", "status": 401},
    "too many requests": {"action": "error", "status": 429},
    "broken": {"action": "error", "status": 500},
    "done, and then broken": {"action": "error", "status": 500, "after": True},
    "not available": {"action": "error", "status": 503},
    "done, and then not available": {"action": "error", "status": 503, "after": True},
    "a gateway gives up, and it is done": {"action": "error", "status": 504, "after": True, "answer": "<html>"},
    "cut off": {"action": "drop"},
    "done, and the answer is lost": {"action": "drop", "after": True},
}
SLOW: Final[dict[str, dict[str, Any]]] = {
    "hangs": {"action": "hang"},
    "done, and the answer hangs": {"action": "hang", "after": True},
    "done after the time-out": {"action": "delay", "seconds": 1.3},
}
POST: Final = Request("POST", "/compute/v2.1/servers", 0)
CHANGES: Final = (
    POST,
    Request("POST", "/volume/v3/volumes", 0),
    Request("POST", "/network/v2.0/floatingips", 0),
    Request("DELETE", "/compute/v2.1/servers/[^/]+", 0),
    Request("DELETE", "/network/v2.0/floatingips/[^/]+", 0),
    Request("DELETE", "/volume/v3/volumes/[^/]+", 0),
)
WHOLE: Final[dict[str, Any]] = {
    "volumes": [{"name": "data", "size": 1, "delete-on-termination": True}],
    "addresses": 1,
}
"""What an instance has beside its server."""


async def every_request(at: Plant) -> list[Request]:
    """Return the requests of an undisturbed play."""
    at.forget_tokens()
    one = await at.created(**WHOLE)
    assert (one.vm_state, at.parts_in_the_cloud()) == (VmState.ACTIVE, (1, 1))
    await at.destroyed(one)
    assert await at.judged() == []
    found = at.requests()
    assert set(CHANGES) <= set(found), found
    return found


async def play(at: Plant, request: Request, fault: dict[str, Any], *, refused: bool) -> None:
    """Create and destroy an instance with all it may have while one request goes wrong."""
    at.forget_tokens()
    at.spoil({**request.rule, **fault})
    one = await at.created(**WHOLE)
    check_created(at, one, {VmState.ERROR} if refused and request == POST else ENDS if refused else {VmState.ACTIVE})
    await at.destroyed(one)
    assert await at.judged() == []
    assert at.parts_in_the_cloud() == (0, 0)
    at.heal()
    asked = [each for each in at.stage.running.state.operations.values() if each.instance == one.id]
    assert all(each.finished and not each.open for each in asked), asked


ENDS: Final = {VmState.ACTIVE, VmState.ERROR}


def check_created(at: Plant, one: Allocation, ends: set[VmState]) -> None:
    """See that an instance is there with all it has, or nothing of it, and that its operations tell so."""
    assert one.vm_state in ends, one
    whole = one.vm_state is VmState.ACTIVE
    assert (at.left_in_the_cloud(), at.parts_in_the_cloud()) == (([one.name], (1, 1)) if whole else ([], (0, 0)))
    assert whole or one.fault
    posts = sum((sent.method, sent.path) == (POST.method, POST.path) for sent in at.requests())
    create = at.operations(one.id).get("create-server")
    # an attempt that met a token that is over is one attempt with two requests
    assert (create.attempts if create else 0) in {posts, posts - 1}


async def disturbed(at: Plant, requests: Sequence[Request], kind: str) -> None:
    for request in requests:
        try:
            await play(at, request, {**FAULTS, **SLOW}[kind], refused=kind in REFUSALS)
        except AssertionError as error:
            raise AssertionError(f"{request} is {kind}: {error}") from error


@pytest.mark.parametrize("kind", ["done, and the answer is lost", "not available"])
async def test_what_changes_something_goes_wrong(kind: str, memory: Path) -> None:
    async with plant(memory) as at:
        await disturbed(at, CHANGES, kind)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*FAULTS, *SLOW])
async def test_every_request_goes_wrong(kind: str, memory: Path) -> None:
    async with plant(memory) as at:
        await disturbed(at, await every_request(at), kind)
