"""What Promise says in the tests, kept for yanglint to judge at their end (see `yanglint`).

Each suite fills the store of its process: clients of ours with what they are told, taps with what clients of others are
told (`overheard`). Of what is alike, with the same names in it, two are kept.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from copy import deepcopy
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from lxml import etree

from promise.northbound.datastore import Kind, schema
from promise.northbound.restconf.paths import read_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from promise.northbound.restconf.paths import Target

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
NC = f"{{{BASE}}}"
NMDA = "{urn:ietf:params:xml:ns:yang:ietf-netconf-nmda}"
READING = {f"{NC}get": "get", f"{NC}get-config": "getconfig", f"{NMDA}get-data": "get"}
TAGGED = re.compile(rb' (?:xmlns:\w+="urn:ietf:params:xml:ns:netconf:default:1.0"|\w+:default="true")')
"""The attribute of RFC 6243, which is in no YANG module."""

DRAFTS = (b"ietf-list-pagination", b"ietf-restconf-list")
"""Of these modules there are drafts only, and none here."""

INSTANCE = re.compile(r"""/[\w.-]+:[\w.-]+(\[[^\[\]]+\])*(/[\w.:-]+(\[([^"'\[\]]|"[^"]*"|'[^']*')+\])*)*|/""")
"""An instance-identifier in JSON; yanglint wants each to lead to something that is there."""

RESTCONF = "urn:ietf:params:xml:ns:yang:ietf-restconf"
ENVELOPE = "urn:restconf-envelope"
PUSH = "{urn:ietf:params:xml:ns:yang:ietf-yang-push}"
KEPT = 2
NAMES = {"xml": re.compile(rb"<([\w.:-]+)"), "json": re.compile(rb'"([\w.:@-]+)" ?:')}


class Document(NamedTuple):
    """One document: what yanglint's `-t` calls it or which envelope it is, "xml" or "json", and where it comes from."""

    kind: str
    form: str
    text: bytes
    source: str


class Evidence:
    """The store."""

    def __init__(self) -> None:
        self.documents: list[Document] = []
        self.complaints: list[str] = []
        self.heard = 0
        self._seen: Counter[tuple[str, str, str, frozenset[bytes]]] = Counter()

    def _keep(self, kind: str, form: str, text: bytes, source: str) -> None:
        self.heard += 1
        alike = (kind, form, source, frozenset(NAMES[form].findall(text)))
        self._seen[alike] += 1
        if self._seen[alike] <= KEPT:
            self.documents.append(Document(kind, form, text, source))

    def _keep_xml(self, kind: str, elements: Iterable[Any], source: str) -> None:
        text = b"\n".join(etree.tostring(element, with_tail=False) for element in elements)
        if text:
            self._keep(kind, "xml", TAGGED.sub(b"", text), source)

    # --- NETCONF

    def replied(self, request: bytes, reply: bytes) -> None:
        """Keep the reply to an <rpc>."""
        told: Any = etree.fromstring(reply)
        self._keep_xml("netconf", [_envelope(told)], "rpc-reply")
        content = [child for child in told if child.tag not in {f"{NC}ok", f"{NC}rpc-error"}]
        if not content:
            return
        asked: Any = etree.fromstring(request)[0]
        name = etree.QName(asked).localname
        if asked.tag in READING:
            self._keep_xml(READING[asked.tag], content[0], name)
        else:
            inside = b"".join(etree.tostring(each, with_tail=False) for each in content)
            begin = f'<{name} xmlns="{etree.QName(asked).namespace}">'.encode()
            self._keep("reply", "xml", begin + inside + f"</{name}>".encode(), name)

    def notified(self, notification: bytes) -> None:
        """Keep a notification."""
        told: Any = etree.fromstring(notification)
        self._keep_xml("netconf", [_envelope(told)], "notification")
        self._notice(told[1])

    def _notice(self, element: Any) -> None:
        name = etree.QName(element).localname
        self._keep_xml("notif", [element], name)
        self._keep_xml("get", element.iterfind(f"{PUSH}datastore-contents/*"), name)

    # --- RESTCONF

    def answered(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> None:
        """Keep the body of an answer, where it is one of RESTCONF."""
        kind = headers.get("Content-Type", "")
        form = "json" if "yang-data+json" in kind else "xml" if "yang-data+xml" in kind else ""
        path = urlsplit(url).path.rstrip("/")
        if not (form and content and path.startswith("/restconf")) or any(draft in content for draft in DRAFTS):
            return
        (self._json if form == "json" else self._xml)(path.removeprefix("/restconf"), content)

    def _json(self, path: str, content: bytes) -> None:
        said = json.loads(content)
        (top,) = said if len(said) == 1 else ("",)
        if top in {"ietf-restconf:errors", "ietf-restconf:restconf", "ietf-yang-patch:yang-patch-status"}:
            said[top] = self._without_paths(said[top])
            renamed = {f"restconf-envelope:{top.partition(':')[2]}": said[top]}
            kind = "root" if top.endswith(":restconf") else "restconf"
            self._keep(kind, "json", json.dumps(renamed).encode(), top)
        elif top == "ietf-restconf:data":
            self._keep("get", "json", json.dumps(said[top]).encode(), "data")
        elif path.startswith("/operations/") and top.endswith(":output"):
            self._keep("reply", "json", json.dumps({path.removeprefix("/operations/"): said[top]}).encode(), path)
        elif (target := _target(path)) is not None:
            self._keep("get", "json", json.dumps(_nested(target, said)).encode(), _source(target))

    def _without_paths(self, said: Any) -> Any:
        """Return errors without their paths; each must be an instance-identifier."""
        if isinstance(said, list):
            return [self._without_paths(each) for each in said]
        if not isinstance(said, dict):
            return said
        path = said.get("error-path", "/")
        if not INSTANCE.fullmatch(path):
            self.complaints.append(f"no instance-identifier: {path}")
        return {name: self._without_paths(each) for name, each in said.items() if name != "error-path"}

    def _xml(self, path: str, content: bytes) -> None:
        said: Any = etree.fromstring(content)
        namespace, name = etree.QName(said).namespace, etree.QName(said).localname
        if name in {"errors", "restconf", "yang-patch-status"}:
            for at in list(said.iter("{*}error-path")):
                at.getparent().remove(at)
            text = re.sub(rb'xmlns="[^"]*"', f'xmlns="{ENVELOPE}"'.encode(), etree.tostring(said), count=1)
            text = text.replace(f'xmlns="{RESTCONF}"'.encode(), f'xmlns="{ENVELOPE}"'.encode())
            self._keep("root" if name == "restconf" else "restconf", "xml", text, name)
        elif (namespace, name) == (RESTCONF, "data"):
            self._keep_xml("get", said, name)
        elif path.startswith("/operations/") and name == "output":
            operation = path.rpartition(":")[2].encode()
            text = etree.tostring(said).replace(b"<output", b"<" + operation, 1)
            self._keep("reply", "xml", text.removesuffix(b"</output>") + b"</" + operation + b">", path)
        elif (target := _target(path)) is not None:
            self._keep("get", "xml", _wrapped(target, TAGGED.sub(b"", content)), _source(target))

    def sent(self, data: str) -> None:
        """Keep the data of a server-sent event."""
        if data.startswith("<"):
            self.notified(data.encode())
            return
        (said,) = json.loads(data).values()
        inside = {name: content for name, content in said.items() if name != "eventTime"}
        self._keep("notif", "json", json.dumps(inside).encode(), ",".join(inside))


def _envelope(told: Any) -> Any:
    """Return a message without attributes, whose content of other modules is one empty element."""
    copy = deepcopy(told)
    own = {f"{NC}ok", f"{NC}rpc-error"}
    for child in list(copy):
        if child.tag not in own and etree.QName(child).localname != "eventTime":
            copy.remove(child)
            if copy.find(f"{NC}content") is None:
                etree.SubElement(copy, f"{NC}content")
    for element in copy.iter():
        for key in list(element.attrib):
            del element.attrib[key]
        element.tag = f"{NC}{etree.QName(element).localname}"
    for info in copy.iter(f"{NC}error-info"):
        for child in list(info):
            if etree.QName(child).localname not in {"session-id", "bad-attribute", "bad-element", "bad-namespace"}:
                info.remove(child)  # of a module of ours or of others
    return copy


def _target(path: str) -> Target | None:
    """Return the data resource of a path, None for what is none."""
    for begin in ("/data", "/ds/ietf-datastores:"):
        if path.startswith(begin):
            rest = path.removeprefix(begin)
            return read_path(rest if begin == "/data" else "/" + rest.partition("/")[2], schema())
    return None


def _source(target: Target) -> str:
    return target.steps[-1].node.segment if target.steps else "/"


def _nested(target: Target, said: dict[str, Any]) -> dict[str, Any]:
    """Return what a resource says in its place in the tree."""
    for step in reversed(target.steps[:-1]):
        inside = {**dict(zip(step.node.keys, step.key or (), strict=True)), **said}
        own = f"{_module(step.node.namespace)}:{step.node.name}"
        said = {own: [inside] if step.node.kind is Kind.LIST else inside}
    return said


def _module(namespace: str) -> str:
    return next(member.partition(":")[0] for tag, member in _MEMBERS if tag == namespace)


_MEMBERS = [(node.namespace, node.member) for node in schema().top.values()]


def _wrapped(target: Target, content: bytes) -> bytes:
    for step in reversed(target.steps[:-1]):
        keys = b"".join(
            f"<{name}>{value}</{name}>".encode() for name, value in zip(step.node.keys, step.key or (), strict=True)
        )
        name = step.node.name.encode()
        content = b'<%b xmlns="%b">%b%b</%b>' % (name, step.node.namespace.encode(), keys, content, name)
    return content


EVIDENCE = Evidence()
"""That of this process."""
