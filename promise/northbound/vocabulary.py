"""Parsing without keeping what strangers write.

libxml2 interns every name that it meets (elements, attributes, prefixes, namespaces, entities, also longer runs of
blanks) in a dictionary that lxml shares among all documents of a thread, and that is never emptied while the thread
lives. A client that invents names could fill our memory for good. So only messages whose tags are familiar are parsed
right here; all others are parsed in a thread of their own, whose dictionary ends with the document. A limited number
of tags become familiar by being used.
"""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Final

from lxml import etree

if TYPE_CHECKING:
    from lxml.etree import _Element

MOST: Final = 4096
"""How many tags may become familiar, each of at most `LONGEST` bytes."""

LONGEST: Final = 256
LARGEST: Final = 16 * 1024
"""Longer messages get their own thread without looking at their tags."""

# Everything from "<" to the next ">", wherever that stands; quick. It is the whole tag when `_WHOLE_TAG` matches.
_TAG: Final = re.compile(rb"""<([^!>"'][^>"']*(?:["'][^>]*)?)""")
_WHOLE_TAG: Final = re.compile(rb"""[^!>"'][^>"']*(?:(?:"[^"]*"|'[^']*')[^>"']*)*|[ \t\r\n]+""")
_MESSAGE_ID: Final = re.compile(rb"""\bmessage-id\s*=\s*(?:"[^"]*"|'[^']*')""")
_ENTITY: Final = re.compile(rb"&(?!#|amp;|lt;|gt;|quot;|apos;)")
_BLANKS: Final = re.compile(rb">([ \t\r\n]{16,})(?=<)")


def new_parser() -> etree.XMLParser:
    """Return a parser that knows UTF-8 and nothing of DTDs, external entities or the network."""
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        remove_blank_text=True,
        collect_ids=False,
    )


class Vocabulary:
    """Parses documents; `familiar` are those tags (without message-id), and runs of blanks, that it keeps."""

    def __init__(self) -> None:
        self.familiar: set[bytes] = set()
        self._parser = new_parser()

    def parse(self, data: bytes) -> _Element:
        """Return the root element; raises etree.XMLSyntaxError."""
        if len(data) > LARGEST or (b"&" in data and _ENTITY.search(data)):
            return _parse_apart(data)
        tags = set(_TAG.findall(data))
        tags.update(_BLANKS.findall(data))
        tags -= self.familiar
        new = {_MESSAGE_ID.sub(b"", tag) for tag in tags} - self.familiar
        if not new:
            return etree.fromstring(data, self._parser)
        root = _parse_apart(data)
        if len(self.familiar) + len(new) <= MOST and all(_can_be_learned(tag) for tag in new):
            self.familiar |= new
        return root


def _can_be_learned(tag: bytes) -> bool:
    return len(tag) <= LONGEST and _WHOLE_TAG.fullmatch(tag) is not None


def _parse_apart(data: bytes) -> _Element:
    """Parse in a thread that ends."""
    result: list[_Element | BaseException] = []

    def parse() -> None:
        try:
            result.append(etree.fromstring(data, new_parser()))
        except BaseException as error:  # noqa: BLE001 - raised again where it is wanted
            result.append(error)

    thread = threading.Thread(target=parse, name="parse")
    thread.start()
    thread.join()
    if isinstance(result[0], BaseException):
        raise result[0]
    return result[0]
