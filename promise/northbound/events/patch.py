"""What has changed between two looks at a datastore, as the edits of a YANG Patch (RFC 8072); pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from lxml import etree

from promise.northbound.datastore import Kind
from promise.northbound.treejson import members

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lxml.etree import _Element

    from promise.northbound.datastore import Node


class Part(NamedTuple):
    """A child of a top-level node: the list that it is an entry of where the user orders that, and its XML."""

    top: Node
    node: Node
    xml: bytes


Parts = dict[str, Part]
"""What is compared, by its path as RFC 8040 section 3.5.3 writes it; entries of a list stand in their order."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit; `value` is None for what is gone, `point` the entry before it, where the user orders them."""

    operation: str
    target: str
    value: Part | None = None
    point: str | None = None

    def xml(self, number: int) -> bytes:
        """Return the <edit>."""
        inside = [f"<edit-id>{number}</edit-id><operation>{self.operation}</operation><target>{self.target}</target>"]
        if self.operation in {"insert", "move"}:
            where = "<where>first</where>" if self.point is None else "<where>after</where>"
            inside.append((f"<point>{self.point}</point>" if self.point else "") + where)
        value = b"<value>%b</value>" % self.value.xml if self.value is not None and self.operation != "move" else b""
        return b"<edit>%b%b</edit>" % ("".join(inside).encode(), value)

    def json(self, number: int) -> dict[str, Any]:
        """Return the entry of the list `edit`."""
        said: dict[str, Any] = {"edit-id": str(number), "operation": self.operation, "target": self.target}
        if self.operation in {"insert", "move"}:
            said |= {"where": "first"} if self.point is None else {"point": self.point, "where": "after"}
        if self.value is not None and self.operation != "move":
            said["value"] = _value(self.value)
        return said


def _value(part: Part) -> dict[str, Any]:
    ((member, value),) = members([etree.fromstring(part.xml)], part.top.children).items()
    module = part.top.member.partition(":")[0]
    return {member if ":" in member else f"{module}:{member}": value}


def parts_of(found: Sequence[_Element], nodes: Mapping[str, Node]) -> Parts:
    """Return the parts of top-level elements; what no schema knows is none."""
    parts: Parts = {}
    for element in found:
        top = nodes.get(str(element.tag))
        for child in element if top is not None else ():
            assert top is not None
            node = top.children[str(child.tag)]
            if top.config and not (node.config or _records(top)):
                continue  # counters in a configuration change without a commit
            parts[_path(top, node, child)] = Part(top, node, etree.tostring(child, with_tail=False))
    return parts


def _records(top: Node) -> bool:
    """Tell whether what is state in a top-level node changes with commits only: it has records of its own."""
    return any(not node.config and node.kind is Kind.LIST for node in top.children.values())


def edits(before: Parts, after: Parts) -> Iterator[Edit]:
    """Yield the edits that make the one from the other."""
    yield from (Edit("delete", path) for path in before if path not in after)
    ordered: dict[str, list[str]] = {}
    for path, part in after.items():
        known = before.get(path)
        if not part.node.ordered:
            if known is None or known.xml != part.xml:
                yield Edit("create" if known is None else "replace", path, part)
            continue
        ordered.setdefault(part.node.member, []).append(path)
    for paths in ordered.values():
        yield from _in_order([path for path in before if path in paths], before, after, paths)


def _in_order(was: list[str], before: Parts, after: Parts, paths: list[str]) -> Iterator[Edit]:
    """Yield the edits of a list that the user orders: each entry is put behind the one that stands before it."""
    point: str | None = None
    standing = list(was)
    for index, path in enumerate(paths):
        if path not in before:
            yield Edit("insert", path, after[path], point)
            standing.insert(index, path)
        else:
            if standing[index] != path:
                yield Edit("move", path, after[path], point)
                standing.remove(path)
                standing.insert(index, path)
            if before[path].xml != after[path].xml:
                yield Edit("replace", path, after[path])
        point = path


def _path(top: Node, node: Node, child: _Element) -> str:
    path = f"/{top.member}/{node.member}"
    if node.kind is Kind.LEAF_LIST:
        return f"{path}={quote(child.text or '', safe='')}"
    if node.kind is not Kind.LIST:
        return path
    keys = (child.findtext(f"{{{node.namespace}}}{key.rpartition(':')[2]}") or "" for key in node.keys)
    return f"{path}={','.join(quote(key, safe='') for key in keys)}"
