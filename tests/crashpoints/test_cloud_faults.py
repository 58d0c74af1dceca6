"""Whatever goes wrong with whichever request to OpenStack: one server in the end, or none, and nobody loses anything.

Every request of a create, a destroy and a whole look at the cloud, sign-in included, meets every fault, one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from crashpoints.plant import Request, plant

from promise.allocation.model import Progress, VmState

if TYPE_CHECKING:
    from pathlib import Path

    from crashpoints.plant import Plant

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
DELETE: Final = Request("DELETE", "/compute/v2.1/servers/[^/]+", 0)


async def every_request(at: Plant) -> list[Request]:
    """Return the requests of an undisturbed play."""
    at.forget_tokens()
    one = await at.created()
    assert one.vm_state is VmState.ACTIVE
    await at.destroyed(one)
    assert await at.judged() == []
    return at.requests()


async def play(at: Plant, request: Request, fault: dict[str, Any], *, refused: bool) -> None:
    """Create and destroy an instance while one request goes wrong."""
    at.forget_tokens()
    at.spoil({**request.rule, **fault})
    one = await at.created()
    posts = sum(sent.path == POST.path and sent.method == "POST" for sent in at.requests())
    assert one.vm_state is (VmState.ERROR if refused and request == POST else VmState.ACTIVE)
    assert one.vm_state is VmState.ACTIVE or one.fault
    assert at.left_in_the_cloud() == ([one.name] if one.vm_state is VmState.ACTIVE else [])
    # an attempt that met a token that is over is one attempt with two requests
    assert at.operations(one.id)["create-server"].attempts in {posts, posts - 1}
    await at.destroyed(one)
    assert await at.judged() == []
    at.heal()
    for operation in at.operations(one.id).values():
        assert operation.progress in {Progress.DONE, Progress.FAILED}
        assert operation.finished


async def disturbed(at: Plant, requests: list[Request], kind: str) -> None:
    for request in requests:
        try:
            await play(at, request, {**FAULTS, **SLOW}[kind], refused=kind in REFUSALS)
        except AssertionError as error:
            raise AssertionError(f"{request} is {kind}") from error


@pytest.mark.parametrize("kind", FAULTS)
async def test_what_changes_something_goes_wrong(kind: str, memory: Path) -> None:
    async with plant(memory) as at:
        await disturbed(at, [POST, DELETE], kind)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*FAULTS, *SLOW])
async def test_every_request_goes_wrong(kind: str, memory: Path) -> None:
    async with plant(memory) as at:
        await disturbed(at, await every_request(at), kind)
