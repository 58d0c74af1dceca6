"""XML that strangers send, parsed without giving it any power, and the envelope of the reply (RFC 6241 section 4)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from lxml import etree

from promise.errors import (
    DuplicateNode,
    Invalid,
    Malformed,
    MissingAttribute,
    MissingElement,
    TooBig,
    UnknownElement,
    UnknownNamespace,
)
from promise.northbound.vocabulary import Vocabulary, new_parser

BASE: Final = "urn:ietf:params:xml:ns:netconf:base:1.0"
DEEPEST: Final = 100
"""Elements nested deeper than this are refused, at the latest; that also bounds every recursion over a message."""

MOST_PARTS: Final = 200_000
"""Tags and attributes that a message may have: in memory each takes some thirty times what it takes on the wire."""

MOST_ATTRIBUTES: Final = 256
"""Attributes that an element may have: to read one of them takes as long as there are others."""

MOST_PREFIXES: Final = 64
"""Prefixes that a tag may declare: whoever resolves a prefix below it looks at all of them."""

_LONG: Final = 1024
"""A tag with more attributes than there may be is longer than this."""

XML_NAMESPACE: Final = "http://www.w3.org/XML/1998/namespace"
RESOURCE_LIMIT: Final = etree.ErrorTypes.ERR_RESOURCE_LIMIT

_RPC: Final = f"{{{BASE}}}rpc"
_PROLOG: Final = re.compile(rb"(?:\s+|<\?.*?\?>|<!--.*?-->)*+", re.DOTALL)
_DOCTYPE: Final = b"<!DOCTYPE"
_DECLARED: Final = re.compile(rb"""<\?xml\s[^>]*?\sencoding\s*=\s*["'](?!(?i:utf-?8|us-ascii)["'])([^"'>]*)""")
"""An XML declaration with another encoding than UTF-8, of which ASCII is a part."""
_TOO_WIDE: Final = etree.XPath(f"boolean(//*[@*[{MOST_ATTRIBUTES + 1}]])")
_MESSAGE_ID: Final = re.compile(rb"""<(?:[\w.-]+:)?rpc\s(?:[^<>]*\s)?message-id\s*=\s*("[^"<]*"|'[^'<]*')""")
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
)
_VOCABULARY: Final = Vocabulary()
_PARSER: Final = new_parser()


@dataclass(frozen=True, slots=True)
class Envelope:
    """The <rpc-reply> for one request: its start tag, with everything that the request's <rpc> carried, and its end.

    `foreign` tells that the request had another default namespace than NETCONF's, which is echoed: then the content
    cannot rely on the default.
    """

    start: bytes
    end: bytes = b"</rpc-reply>"
    foreign: bool = False

    def around(self, content: bytes) -> bytes:
        """Return the whole reply; `content` is written for NETCONF's default namespace."""
        if not self.foreign:
            return b"".join((self.start, content, self.end))
        reply = _VOCABULARY.parse(self.start + self.end)
        reply.extend(etree.fromstring(b'<r xmlns="%b">%b</r>' % (BASE.encode(), content), _PARSER))
        return etree.tostring(reply, encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Rpc:
    """A request: the envelope of its reply, and its operation or what is wrong with it."""

    envelope: Envelope
    operation: etree._Element | Invalid


def parse(data: bytes, deepest: int = DEEPEST) -> etree._Element:
    """Return the root of a document, whose elements are nested at most so deep; raises Malformed or TooBig.

    There is no DTD, no entity but the five of XML, no network, no character set but UTF-8; comments and processing
    instructions are dropped. Blank text between elements is dropped.
    """
    data = data.strip()
    if _DOCTYPE in data and data.startswith(_DOCTYPE, _end_of_prolog(data)):
        raise Malformed("a document type declaration is not accepted")
    if data.startswith(b"<?xml") and (declared := _DECLARED.match(data)):
        raise Malformed(f"messages are encoded in UTF-8, not in {declared[1].decode('ascii', 'replace')}")
    if len(data) > MOST_PARTS and data.count(b"<") + data.count(b'"') + data.count(b"'") > MOST_PARTS:
        raise TooBig(f"the message has more than {MOST_PARTS} tags and quotes")
    long = [tag for tag in data.split(b"<") if len(tag) > _LONG] if len(data) > _LONG else []
    if any(tag.count(b"xmlns:") > MOST_PREFIXES for tag in long):
        raise TooBig(f"a tag declares more than {MOST_PREFIXES} prefixes")
    try:
        root = _VOCABULARY.parse(data)
    except etree.XMLSyntaxError as error:
        if error.code == RESOURCE_LIMIT:  # type: ignore[attr-defined]  # not in the stubs
            raise TooBig(f"the message exceeds a limit of the XML parser: {error.msg}") from None
        raise Malformed(f"not well-formed XML in UTF-8: {error.msg}") from None
    if data.count(b"</") >= deepest and _too_deep(deepest)(root):
        raise TooBig(f"elements are nested deeper than {deepest}")
    if any(tag.count(b"=") > MOST_ATTRIBUTES for tag in long) and _TOO_WIDE(root):
        raise TooBig(f"an element has more than {MOST_ATTRIBUTES} attributes")
    return root


@cache
def _too_deep(deepest: int) -> etree.XPath:
    return etree.XPath(f"boolean(/*{'/*' * deepest})")


def read_rpc(root: etree._Element) -> Rpc:
    """Take an <rpc> apart. What is wrong with it stands in the place of the operation."""
    if root.tag != _RPC:
        return Rpc(_plain_envelope(root.get("message-id")), _not_rpc(root))
    envelope = _envelope(root)
    if "message-id" not in root.attrib:
        rule = "an <rpc> must have a message-id"
        return Rpc(envelope, MissingAttribute(rule, path="/nc:rpc", name="message-id"))
    if len(root) == 1 and not (root.text and root.text.strip()) and not (root[0].tail and root[0].tail.strip()):
        return Rpc(envelope, root[0])
    return Rpc(envelope, _not_one_operation(root))


def envelope_of_unread(head: bytes) -> Envelope:
    """Return an envelope with the message-id that the beginning of an unreadable message shows, if it does."""
    found = _MESSAGE_ID.search(head)
    try:
        holder = etree.fromstring(b"<r message-id=%b/>" % found[1], _PARSER) if found else None
    except etree.XMLSyntaxError:
        holder = None
    return _plain_envelope(None if holder is None else holder.get("message-id"))


def escape(text: str) -> str:
    """Return text as element content or attribute value; what XML cannot carry becomes U+FFFD."""
    return _NOT_XML.sub("\ufffd", text).translate(_ESCAPES)


def split(tag: str) -> tuple[str, str]:
    """Return the namespace ("" for none) and the local name of an lxml tag."""
    namespace, _, name = tag.rpartition("}")
    return namespace[1:], name


def _end_of_prolog(data: bytes) -> int:
    found = _PROLOG.match(data)
    return found.end() if found else 0


def _plain_envelope(message_id: str | None) -> Envelope:
    attribute = "" if message_id is None else f' message-id="{escape(message_id)}"'
    return Envelope(f'<rpc-reply xmlns="{BASE}"{attribute}>'.encode())


def _envelope(rpc: etree._Element) -> Envelope:
    """Echo all attributes and namespace declarations of the request (RFC 6241 section 4.1)."""
    spaces = rpc.nsmap
    default = spaces.pop(None, BASE)
    pieces = [f' xmlns:{prefix}="{escape(uri)}"' for prefix, uri in spaces.items()]
    prefixes = {uri: str(prefix) for prefix, uri in spaces.items()}
    prefixes[XML_NAMESPACE] = "xml"
    for key, value in rpc.attrib.items():
        namespace, name = split(str(key))
        qualified = f"{prefixes[namespace]}:{name}" if namespace else name
        pieces.append(f' {qualified}="{escape(str(value))}"')
    echoed = "".join(pieces)
    if default == BASE:
        return Envelope(f'<rpc-reply xmlns="{BASE}"{echoed}>'.encode())
    name = f"{rpc.prefix}:rpc-reply"
    return Envelope(f'<{name} xmlns="{escape(default)}"{echoed}>'.encode(), f"</{name}>".encode(), foreign=True)


def _not_rpc(root: etree._Element) -> Invalid:
    namespace, name = split(root.tag)
    rule = f"a request must be an <rpc> of namespace {BASE}, not <{name}>"
    if namespace != BASE:
        return UnknownNamespace(rule, name=name, namespace=namespace)
    return UnknownElement(rule, name=name, namespace=namespace)


def _not_one_operation(root: etree._Element) -> Invalid:
    if len(root) == 0:
        return MissingElement("an <rpc> must contain an operation", path="/nc:rpc", name="rpc", namespace=BASE)
    if len(root) == 1:
        return Malformed("an <rpc> must contain no text beside its operation", path="/nc:rpc", name="rpc")
    namespace, name = split(root[1].tag)
    rule = "an <rpc> must contain one operation only"
    return DuplicateNode(rule, path="/nc:rpc", name=name, namespace=namespace)
