"""The idempotency key of a request, with the fingerprint of its decoded input (design section 5)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from promise.capacity.idempotency import key_of

if TYPE_CHECKING:
    from promise.actor import Actor
    from promise.capacity.idempotency import Key
    from promise.northbound.codec import Rpc


class Keyed(Protocol):
    """An input that may have a key."""

    @property
    def idempotency_key(self) -> str | None:
        """Return the key, None when there is none."""


Input = TypeVar("Input", bound=Keyed)


def idempotency(actor: Actor, rpc: Rpc[Input, Any], asked: Input, **secrets: str) -> Key | None:
    """Return the key of a request; `secrets` stand for leaves that must not be guessed from the fingerprint."""
    if asked.idempotency_key is None:
        return None
    plain = replace(asked, idempotency_key=None, **secrets)  # type: ignore[type-var]  # every input is a dataclass
    decoded = json.dumps(rpc.encode_input_json(plain), sort_keys=True).encode()
    return key_of(actor.user, rpc.name, asked.idempotency_key, decoded)
