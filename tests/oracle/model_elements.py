"""Elements as requested: which clouds have them, who holds them and when, what is lost (decisions 15 and 16)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from oracle.model_fit import Ask
    from oracle.model_records import Reservation, World


def places(world: World, candidates: list[str], elements: list[str]) -> tuple[list[str], set[str]]:
    """The providers that have all of the elements; where there is none, why."""
    if not elements:
        return candidates, set()
    said = {one: lacking(world, one, elements) for one in candidates}
    having = [one for one in candidates if not said[one]]
    reasons = {why for whys in said.values() for why in whys}
    unsure = {"provider-unreachable"} & reasons
    return having, set() if having else unsure or reasons


def lacking(world: World, provider: str, elements: Iterable[str]) -> set[str]:
    """Why a provider is not known to have all of these elements."""
    wanted = set(elements)
    if not wanted:
        return set()
    if provider in world.away:
        return {"provider-unreachable"}
    return set() if wanted <= world.things[provider].keys() else {"element-unknown"}


def others(world: World, provider: str, elements: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The other ids of those elements that have any."""
    there = world.things.get(provider, {})
    return {element: there[element] for element in elements if there.get(element)}


def held(world: World, ask: Ask) -> list[dict[str, Any]]:
    """Which of the elements others hold in the window, and who, as far as the caller may know it."""
    found = []
    for element in ask.elements:
        there = [one for one in _holders(world, ask, element) if one.start < ask.end and ask.start < one.end]
        seen = min((one for one in there if world.sees(one)), key=lambda one: (one.start, one.end), default=None)
        if there:
            found.append({"element": element} | ({"reservation-id": seen.id} if seen else {}))
    return found


def held_intervals(world: World, ask: Ask) -> list[tuple[int, int]]:
    """When others hold any of the elements."""
    return [(one.start, one.end) for element in ask.elements for one in _holders(world, ask, element)]


def _holders(world: World, ask: Ask, element: str) -> Iterator[Reservation]:
    names = {element, *ask.also.get(element, ())}
    for one in world.reservations.values():
        here = one.live and one.provider == ask.provider and one.id != ask.replaces
        if here and names & {*one.elements, *(name for also in one.also.values() for name in also)}:
            yield one
