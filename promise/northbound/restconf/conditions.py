"""ETag, Last-Modified and what clients make a condition with them (RFC 8040 section 3.4.1, RFC 9110 section 13).

A tag is a digest of the configuration of a resource, and says in which encoding it was shown. So it is the same after
a restart, and the same again when a change was undone. Times are those of the datastore as a whole.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

from promise.errors import PreconditionFailed

if TYPE_CHECKING:
    from promise.northbound.restconf.exchange import Encoding, Headers


class State(NamedTuple):
    """Which configuration a resource has: `digest` is empty where it is not there; `modified` is in seconds."""

    digest: str
    modified: int

    @classmethod
    def of(cls, value: Any, modified: int) -> State:
        """Return the state of a value; None = it is not there."""
        if value is None:
            return cls("", modified)
        text = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
        return cls(blake2b(text, digest_size=10).hexdigest(), modified)

    def headers(self, encoding: Encoding) -> dict[str, str]:
        """Return the header fields that tell it."""
        moment = datetime.fromtimestamp(self.modified, UTC)
        return {
            "ETag": f'"{self.digest or "none"}-{encoding.value}"',
            "Last-Modified": format_datetime(moment, usegmt=True),
        }


def _tags(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


def _digest(tag: str) -> str:
    """Return the digest in a strong tag, whatever the encoding in which it was shown."""
    return tag[1:-1].rpartition("-")[0] if tag.startswith('"') and tag.endswith('"') and len(tag) > 1 else ""


def _moment(text: str) -> int | None:
    """Return the moment that an HTTP date names, None when it is none; then the field is ignored (RFC 9110)."""
    try:
        found = parsedate_to_datetime(text)
        return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError, TypeError):
        return None


def not_modified(request: Headers, state: State, encoding: Encoding, *, exact: bool) -> bool:
    """Tell whether the client has already what it asks for; with `exact` the tag tells all that would be shown.

    Raises:
        PreconditionFailed: If-Match or If-Unmodified-Since does not hold.
    """
    check(request, state, reading=True)
    if not exact:
        return False
    if (tags := request.header("If-None-Match")) is not None:
        mine = state.headers(encoding)["ETag"]
        return any(tag == "*" or tag.removeprefix("W/") == mine for tag in _tags(tags))
    since = _moment(request.header("If-Modified-Since") or "")
    return since is not None and state.modified <= since


def conditional(request: Headers) -> bool:
    """Tell whether a request that edits makes any condition."""
    return any(
        request.header(name) is not None
        for name in ("If-Match", "If-None-Match", "If-Unmodified-Since", "If-Modified-Since")
    )


def check(request: Headers, state: State, *, reading: bool = False) -> None:
    """Raise PreconditionFailed unless what the client makes a condition holds (RFC 9110 section 13.2.2)."""
    if (tags := request.header("If-Match")) is not None:
        if not _matches(_tags(tags), state):
            raise PreconditionFailed("the resource is not the one that If-Match names any more")
    elif (since := _moment(request.header("If-Unmodified-Since") or "")) is not None and state.modified > since:
        raise PreconditionFailed("the configuration was changed after If-Unmodified-Since")
    if reading:
        return
    if (tags := request.header("If-None-Match")) is not None:
        if _matches([tag.removeprefix("W/") for tag in _tags(tags)], state):
            raise PreconditionFailed("the resource is one that If-None-Match names")
    elif (since := _moment(request.header("If-Modified-Since") or "")) is not None and state.modified <= since:
        raise PreconditionFailed("the configuration was not changed after If-Modified-Since")


def _matches(tags: list[str], state: State) -> bool:
    return bool(state.digest) and any(tag == "*" or _digest(tag) == state.digest for tag in tags)
