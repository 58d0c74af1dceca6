"""Placement: the little languages of its query parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promise.vim.simulator.world.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from promise.vim.simulator.api.exchange import Call


def resources_of(call: Call, asked: str) -> dict[str, int]:
    """Read "VCPU:4,MEMORY_MB:2048", or raise a 400."""
    found: dict[str, int] = {}
    for part in asked.split(","):
        name, _, amount = part.partition(":")
        if not amount.isdigit() or int(amount) < 1:
            raise ApiError(400, f"Badly formed resources parameter. Expected resources=CLASS:AMOUNT, got {part}.")
        if name not in call.world.placement.classes:
            raise ApiError(400, f"Invalid resource class in resources parameter: No such resource class {name}.")
        found[name] = int(amount)
    return found


def traits_of(asked: Iterable[str]) -> tuple[set[str], set[str]]:
    """Read "TRAIT,!TRAIT": those that must be there, and those that must not."""
    names = [name for part in asked for name in part.split(",") if name]
    return {name for name in names if name[0] != "!"}, {name[1:] for name in names if name[0] == "!"}
