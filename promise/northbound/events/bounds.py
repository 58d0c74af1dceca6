"""How much subscribers may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many subscriptions and streams there may be, and how much waits for one.

    A session, or a user over RESTCONF, may have `established` ones of RFC 8639, and `own` ones of Promise's; so many of
    these a user may have with a callback-uri as well. He may read `streams` at a time. `waiting` notifications that
    are not in the journal wait for a slow subscriber; what is in the journal waits there.
    """

    established: int = 64
    own: int = 256
    streams: int = 1024
    waiting: int = 512
