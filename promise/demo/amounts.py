"""The amounts and moments of the story, in its words: multiples of what one instance takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promise.northbound import bindings as yang

if TYPE_CHECKING:
    from datetime import datetime


def times(unit: yang.Capacity, count: int) -> yang.Capacity:
    """Return what so many instances take."""
    cores, ram, instances = ((amount or 0) * count for amount in (unit.cores, unit.ram, unit.instances))
    return yang.Capacity(cores=cores, ram=ram, instances=instances)


def only(capacity: yang.Capacity | None) -> dict[str, int]:
    """Return what a capacity says of the resources of the story."""
    said = {name: getattr(capacity, name) for name in ("cores", "ram", "instances")} if capacity else {}
    return {name: amount for name, amount in said.items() if amount is not None}


def words(capacity: yang.Capacity, names: tuple[str, ...] = ("instances", "cores", "ram")) -> str:
    """Say an amount."""
    units = {"cores": "cores", "ram": "MB RAM", "instances": "instances"}
    said = only(capacity)
    return ", ".join(f"{said[name]} {units[name]}" for name in names if name in said)


def midnight(moment: datetime) -> datetime:
    """Return the midnight before a moment."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def at(moment: datetime | None) -> str:
    """Say a moment."""
    return f"{moment:%a %H:%M}" if moment else "for ever"
