"""A JSON text as the value that the bindings read: strictly what RFC 8259 and RFC 7951 allow, nothing guessed."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Final, NoReturn

from promise.errors import DuplicateNode, Malformed, TooBig
from promise.northbound.codec.markup import shown

if TYPE_CHECKING:
    from promise.northbound.codec.scalar import Json

_LONGEST: Final = 400
"""No number that any YANG type can hold has more characters; Python's own limit would be a ValueError."""


def parse_json(text: bytes) -> Json:
    """Return the value of a JSON text in UTF-8.

    Raises:
        Malformed: it is not UTF-8, not JSON, or holds NaN or Infinity, which JSON does not know.
        DuplicateNode: an object has two members of one name, of which one would be lost.
        TooBig: it is nested deeper than Python can follow.
    """
    try:
        return _DECODER.decode(text.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Malformed(f"must be UTF-8: byte {error.start} is not") from None
    except json.JSONDecodeError as error:
        raise Malformed(f"must be JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise TooBig("must not be nested that deep") from None


def _members(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) < len(pairs):
        count = Counter(name for name, _ in pairs)
        name = shown(count.most_common(1)[0][0])
        raise DuplicateNode(f"must have the member {name} once", name=name.rpartition(":")[2])
    return members


def _integer(digits: str) -> int:
    if len(digits) > _LONGEST:
        raise Malformed("must not hold a number of that many digits")
    return int(digits)


def _constant(name: str) -> NoReturn:
    raise Malformed(f"must be JSON, which has no {name}")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_members, parse_int=_integer, parse_constant=_constant)
