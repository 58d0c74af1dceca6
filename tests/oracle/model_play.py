"""Playing histories: the world of a seed, random calls in it, the same calls again, and the fewest that fail."""

from __future__ import annotations

import asyncio
import random
import re
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from oracle.model_cloud import Clouds, FakeCloud
from oracle.model_moves import Moves
from oracle.model_records import Policy
from oracle.model_trial import Call, Trial, served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractAsyncContextManager

LONGEST = 30.0
"""Seconds that one call may take before we say that it hangs."""


Court: TypeAlias = "Callable[[Clouds, Policy, int], AbstractAsyncContextManager[Trial]]"


class Outcome(NamedTuple):
    """The calls that were played, and what went wrong with the last one; None = nothing."""

    calls: list[Call]
    failure: Exception | None


def setting(seed: int) -> tuple[Clouds, Policy]:
    """One or two clouds with one or two zones, so small that boundaries collide, and a policy with few rules."""
    return world_of(random.Random(seed))


def world_of(chance: random.Random) -> tuple[Clouds, Policy]:
    names = ("a",) if chance.random() < 0.5 else ("a", "b")
    return Clouds(*(_cloud(name, chance) for name in names)), _policy(chance)


def _cloud(name: str, chance: random.Random) -> FakeCloud:
    zones = {
        zone: {"cores": chance.randint(4, 12), "ram": chance.randint(8, 24), "DISK_GB": chance.randint(2, 10)}
        for zone in (("z1", "z2") if chance.random() < 0.6 else ("z1",))
    }
    bound = {name: sum(zone[name] for zone in zones.values()) for name in ("cores", "ram", "DISK_GB")}
    return FakeCloud(name, bound | {"instances": chance.randint(5, 15), "ports": chance.randint(5, 20)}, zones)


def _policy(chance: random.Random) -> Policy:
    def rarely(likely: float, choice: Sequence[int]) -> int | None:
        return chance.choice(choice) if chance.random() < likely else None

    return Policy(
        max_future_start_range=rarely(0.1, (0, 1)),
        max_future_end_range=rarely(0.1, (1, 2)),
        max_duration=rarely(0.15, (2, 4, 24)),
        expiry=rarely(0.25, (30, 60, 120)),
        unreserved=chance.choice(("best-effort", "best-effort", "strict")),
        alternatives=chance.choice((3, 3, 0, 1, 5)),
        at_end=chance.choice(("keep", "keep", "terminate")),
        preempt=chance.random() < 0.25,
        search_horizon=chance.choice((1, 365)),
        before_end=rarely(0.3, (1, 30, 120)),
        retention=chance.choice((30, 30, 1)),
    )


async def play(seed: int, steps: int, trial: Court = served, chosen: type[Moves] = Moves) -> Outcome:
    """Play so many random calls, up to the first that goes wrong."""
    clouds, policy = setting(seed)
    async with trial(clouds, policy, seed) as court:
        moves = chosen(random.Random(seed), court)
        added = [Call(f"p-{name}", "add-provider", {"name": name}) for name in clouds.by_name]
        return await _played(court, (added[step] if step < len(added) else moves.next() for step in range(steps)))


async def replay(seed: int, calls: Iterable[Call], trial: Court = served) -> Outcome:
    """Play these calls in the world of the seed."""
    clouds, policy = setting(seed)
    async with trial(clouds, policy, seed) as court:
        return await _played(court, calls)


async def _played(court: Trial, calls: Iterable[Call]) -> Outcome:
    try:
        for call in calls:
            await asyncio.wait_for(court.step(call), LONGEST)
        await asyncio.wait_for(court.end(), LONGEST)
    except Exception as failure:  # noqa: BLE001 - whatever it is, the history that led there is worth keeping
        return Outcome(court.calls, failure)
    return Outcome(court.calls, None)


async def shrink(seed: int, failed: Outcome, trial: Court = served, budget: int = 200) -> Outcome:
    """Leave out what the failure does not need: ever smaller pieces, as long as something fails and budget is left."""
    best = failed
    size = len(best.calls) // 2
    while size and budget > 0:
        at = 0
        while at < len(best.calls) and budget > 0:
            tried = await replay(seed, [*best.calls[:at], *best.calls[at + size :]], trial)
            budget -= 1
            if _kind(tried) == _kind(failed) and len(tried.calls) < len(best.calls):
                best = tried
            else:
                at += size
        size //= 2
    return best


def _kind(outcome: Outcome) -> list[str]:
    """What went wrong, without its ids and numbers."""
    lines = str(outcome.failure).split("\n")
    return [] if outcome.failure is None else [re.split(r"[ :]", line.strip())[0].split("[")[0] for line in lines[:2]]


def told(seed: int, outcome: Outcome) -> str:
    """The calls as Python that plays them again, and what went wrong."""
    lines = [f"    Call{tuple(call)!r}," for call in outcome.calls]
    return "\n".join([f"await replay({seed}, [", *lines, "])", f"{type(outcome.failure).__name__}: {outcome.failure}"])
