"""A request that is repeated with its idempotency key is the accepted decision again, and changes nothing; pure.

Design section 5, "repeated request": a key belongs to a user and an RPC. It is kept for 24 hours and as long as the
record that it stands for. The same input is answered from that record as it stands; another input is `key-reused`. A
refusal is not kept: it may simply be asked again.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from promise.capacity.refusal import Reason, Refusal
from promise.events import Decision, fact

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

KEPT = 86_400
"""Seconds for which a key is kept at least."""

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Key:
    """A key that came with a request, and what it stands for once that is accepted.

    `id` follows from user, RPC and key; `fingerprint` from the decoded input; `subject` is the id of the record.
    """

    table: ClassVar[str] = "idempotency"

    id: str
    fingerprint: str
    subject: str = ""
    created: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Key:
        """Read what `to_json` wrote."""
        return cls(**value)


def key_of(user: str, rpc: str, key: str | None, decoded: bytes) -> Key | None:
    """Return the key of a request, None when it has none; `decoded` is its input in one canonical form."""
    if key is None:
        return None
    name = f"{user}\0{rpc}\0{key}".encode()
    return Key(hashlib.sha256(name).hexdigest(), hashlib.sha256(decoded).hexdigest())


class Keys(Protocol):
    """Where keys are found."""

    @property
    def keys(self) -> Mapping[str, Key]:
        """Return every key that is kept, by id."""


def once(
    book: Keys,
    key: Key | None,
    now: int,
    decide: Callable[[], Decision[Answer | Refusal]],
    again: Callable[[str], Answer],
    subject: Callable[[Answer], str],
    *,
    dry_run: bool = False,
) -> Decision[Answer | Refusal]:
    """Decide, unless the key has come before; `again` renders the record that it stands for as it stands now.

    What was accepted is kept also where it changed nothing: repeated later, it might. A dry run keeps nothing.
    """
    if key is None:
        return decide()
    known = book.keys.get(key.id)
    if known is not None:
        if known.fingerprint != key.fingerprint:
            return Decision(Refusal(Reason.KEY_REUSED, "the idempotency key came before with another input"))
        return Decision(again(known.subject))
    decision = decide()
    if isinstance(decision.answer, Refusal) or dry_run:
        return decision
    kept = fact("key-kept", replace(key, subject=subject(decision.answer), created=now))
    return Decision(decision.answer, (*decision.events, kept), decision.secrets)
