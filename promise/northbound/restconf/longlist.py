"""Answers with very many entries, written a few at a time: others have their turn, and nobody holds all of the text."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

from promise.errors import BadParameter
from promise.northbound.restconf import markup, media
from promise.northbound.restconf.exchange import Encoding
from promise.northbound.restconf.paths import qualified

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator

    from promise.northbound.datastore import Node


LONG: Final = 1000
"""So many entries are written at once."""


def dumped(value: Any) -> bytes:
    """Return the JSON text of a value."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def is_long(value: Any) -> bool:
    """Tell whether there is a list in an object, or in one directly below, that is too long to be written at once."""
    lists = [value, *value.values()] if isinstance(value, dict) else [value]
    lists += [inner for one in lists[1:] if isinstance(one, dict) for inner in one.values()]
    return any(isinstance(one, list) and len(one) > LONG for one in lists)


def pieces(value: Any) -> Iterator[bytes]:
    """Yield the JSON text of such a value in pieces of some size."""
    if not is_long(value):
        yield dumped(value)
    elif isinstance(value, list):
        yield b"["
        for first in range(0, len(value), LONG):
            yield (b"," if first else b"") + dumped(value[first : first + LONG])[1:-1]
        yield b"]"
    else:
        yield b"{"
        for number, (name, inside) in enumerate(value.items()):
            yield (b"," if number else b"") + dumped(name) + b":"
            yield from pieces(inside)
        yield b"}"


async def in_turn(texts: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Yield what an iterator yields, letting others have their turn."""
    for text in texts:
        yield text
        await asyncio.sleep(0)


class LongList:
    """The text around the entries of a list that is shown as a whole."""

    def __init__(self, node: Node, wanted: media.Media) -> None:
        self._node = node
        self._json = wanted.encoding is Encoding.JSON
        if not self._json and wanted.name != media.XML_LIST:
            rule = f"XML holds one entry; ask for {media.XML_LIST}, for JSON, or for one entry by its key"
            raise BadParameter(f"{node.name} has more than {LONG} entries here: {rule}")

    async def written(
        self, first: tuple[list[Any], str], part: Callable[[str], Awaitable[tuple[list[Any], str]]]
    ) -> AsyncGenerator[bytes, None]:
        """Yield the text of the list; `part` returns the entries behind a cursor, and where they end ("" = done)."""
        head, between, tail = markup.LIST_START, b"", markup.LIST_END
        if self._json:
            head, between, tail = b'{"%b":[' % qualified(self._node).encode(), b",", b"]}"
        yield head
        (entries, cursor), before = first, b""
        while True:
            if entries:
                yield before + self._entries(entries)
                before = between
            if not cursor:
                break
            entries, cursor = await part(cursor)
        yield tail

    def _entries(self, entries: list[Any]) -> bytes:
        if self._json:
            return dumped(entries)[1:-1]
        return b"".join([markup.element(self._node, entry, {}) for entry in entries])
