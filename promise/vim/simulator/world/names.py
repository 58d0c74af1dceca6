"""Ids as OpenStack writes them: what is configured keeps its id over restarts, what is created never repeats one."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Final

_SPACE: Final = uuid.UUID("7f1c4e1e-6f0b-5b0e-9b0a-5f1f6c0d2a11")


def lasting(kind: str, name: str) -> str:
    """Return the id of something that the options name: the same one at every start."""
    return str(uuid.uuid5(_SPACE, f"{kind}/{name}"))


def fresh() -> str:
    """Return an id that was never used before."""
    return str(uuid.uuid4())


def bare(dashed: str) -> str:
    """Return the id without dashes, as Keystone writes it."""
    return dashed.replace("-", "")


def is_uuid(text: str) -> bool:
    """Tell whether the text is a UUID in the usual form or without dashes."""
    try:
        return bare(str(uuid.UUID(text))) == bare(text).lower()
    except ValueError:
        return False


def zulu(moment: float) -> str:
    """Write a moment as Nova, Glance and Neutron do: 2026-01-31T12:00:00Z."""
    return datetime.fromtimestamp(int(moment), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def micro(moment: float, *, suffix: str = "") -> str:
    """Write a moment with microseconds, as Cinder (no suffix) and Keystone (Z) do."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + suffix


def moment_of(text: str) -> float:
    """Read an ISO 8601 moment; without a zone it is UTC. Raise ValueError when it is none."""
    moment = datetime.fromisoformat(text.replace(" ", "+") if text.count(" ") == 1 and "T" in text else text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
