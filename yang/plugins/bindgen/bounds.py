"""`range` and `length` arguments as pairs of numbers, with `min` and `max` resolved down the chain of typedefs."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from .model import Statement

_Number = TypeVar("_Number", "int", "Decimal", "int | None")


def resolved(
    chain: list[Statement], keyword: str, parse: Callable[[str], _Number], low: _Number, high: _Number
) -> list[tuple[_Number, _Number]]:
    """Return the ranges that hold for the first type of the chain; `low` and `high` are those of the built-in type.

    A restriction in a typedef is narrowed by those on the types that use it, so the nearest one says it all; its
    `min` and `max` are those of what it restricts (RFC 7950 section 9.2.4).
    """
    pairs = [(low, high)]
    for link in reversed(chain):
        statement = link.search_one(keyword)
        if statement is not None:
            names = {"min": pairs[0][0], "max": pairs[-1][1]}
            pairs = [_pair(part, names, parse) for part in statement.arg.split("|")]
    return pairs


def _pair(part: str, names: dict[str, _Number], parse: Callable[[str], _Number]) -> tuple[_Number, _Number]:
    start, dots, end = (side.strip() for side in part.partition(".."))
    low, high = (names[side] if side in names else parse(side) for side in (start, end if dots else start))
    return low, high
