"""A class of the bindings and the nodes of its fields: the body of a container, a list entry or a message."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from promise.errors import BadValue, Invalid, UnknownElement, UnknownNamespace
from promise.northbound.codec import markup
from promise.northbound.codec.annotation import check_annotation
from promise.northbound.codec.characters import WHITE_SPACE
from promise.northbound.codec.choice import Scope

if TYPE_CHECKING:
    from lxml.etree import _Element

    from promise.northbound.codec.choice import Part
    from promise.northbound.codec.module import Module
    from promise.northbound.codec.node import Up, Values
    from promise.northbound.codec.scalar import Json

_new: Final = object.__new__


class Struct:
    """How instances of one class are read, written and judged; `parts` are nodes and choices in schema order."""

    def __init__(self, cls: type, *parts: Part) -> None:
        self.cls = cls
        self.scope = Scope(parts)
        self.nodes = self.scope.nodes
        for index, node in enumerate(self.nodes):
            node.index = index
        self.scope.bind()
        self._by_tag = {node.tag: (node, node.index, node.plain) for node in self.nodes}
        self._by_member = {node.qualified: node for node in self.nodes}
        self._by_member.update({node.name: node for node in reversed(self.nodes)})
        self._modules = {node.module.name: node.module for node in self.nodes}
        self._prefixes = {module.namespace: module.prefix for module in self._modules.values()}
        self._nothing: Values = [None] * len(self.nodes)
        self._slots = tuple(getattr(cls, node.field).__set__ for node in self.nodes)
        self._absent = tuple((node.index, node.absent) for node in self.nodes if node.absent is not None)
        self._fields = attrgetter(*(node.field for node in self.nodes), "__class__") if self.nodes else None
        self._written = tuple((node, node.required) for node in self.nodes)
        self._gathering = tuple(node for node in self.nodes if node.gathers)
        self._late = tuple(node for node in self.nodes if node.whens and node.has_default)
        self._judged = tuple((attrgetter(node.field), node) for node in self.nodes if node.judged)
        self.judged = bool(self._judged)
        self.supplies = bool(self._late) or self.scope.supplies
        self.blank = self._made(self._nothing.copy())

    # Reading. None stands for a body without content, which a non-presence container cannot be told from.

    def read_xml(self, element: _Element) -> Any:
        """Return the instance that the children of the element describe, None when they say nothing.

        The attributes of the element are the caller's.
        """
        values = self._nothing.copy()
        text = element.text
        if text is not None and text.strip(WHITE_SPACE):
            markup.refuse_text()
        plans = self._by_tag
        for child in element:
            plan = plans.get(child.tag)
            if plan is None:
                self._other(child)
            else:
                node, index, read = plan
                try:
                    # The plain case of a leaf, once and without attributes or comments, is short-cut: it is the most.
                    if read is None or values[index] is not None or child.keys() or len(child):
                        node.take_xml(child, values)
                    else:
                        values[index] = read(child.text or "", child)
                except Invalid as fault:
                    node.locate(fault)
                    raise
            text = child.tail
            if text is not None and text.strip(WHITE_SPACE):
                markup.refuse_text()
        return self.made(values)

    def _other(self, child: _Element) -> None:
        """Let comments and processing instructions pass; refuse everything else that is no node of ours."""
        if isinstance(child.tag, str):
            markup.refuse_child(child, self._prefixes, (node.name for node in self.nodes))
        markup.refuse_entity(child)

    def read_json(self, raw: Json, home: Module | None) -> Any:
        """Return the instance that the JSON object describes, None when it says nothing.

        `home` is the module of the parent node: members of another module, and all members where there is no
        parent, carry the module's name (RFC 7951 section 4).
        """
        if type(raw) is not dict:
            raise BadValue("must be a JSON object")
        values = self._nothing.copy()
        nodes = self._by_member
        for key, value in raw.items():
            node = nodes.get(key)
            if node is None or (node.module is not home and ":" not in key):
                self._other_member(key, raw, home)
                continue
            try:
                node.take_json(value, values)
            except Invalid as fault:
                node.locate(fault)
                raise
        return self.made(values)

    def _other_member(self, key: str, raw: dict[str, Json], home: Module | None) -> None:
        """Let annotations pass (RFC 7952 section 5.2); refuse every other member that is no node of ours."""
        if key.startswith("@"):
            target = key[1:]
            check_annotation(target, raw, known=not target or target in self._by_member)
            return
        prefix, _, name = key.rpartition(":")
        name = markup.shown(name)
        if prefix and prefix not in self._modules:
            raise UnknownNamespace(f"must not hold a member {name} of the module '{markup.shown(prefix)}'", name=name)
        module = self._modules.get(prefix) or home
        if module is None or markup.IDENTIFIER.fullmatch(name) is None:
            raise UnknownElement(f"must not hold a member {name}", name=name)
        path = f"/{module.prefix}:{name}"
        rule = markup.elsewhere(node.name for node in self.nodes)
        raise UnknownElement(rule, path=path, name=name, namespace=module.namespace)

    def empty(self) -> Any:
        """Return the instance of which nothing was given: its defaults, or None; raise what `made` raises."""
        return self.made(self._nothing.copy())

    def made(self, values: Values) -> Any:
        """Return the instance of what was read, with defaults; None when nothing was given and nothing is default.

        Raises:
            Invalid: something mandatory is absent, or too few, too many or equal entries are there.
        """
        for node in self._gathering:
            if values[node.index] is not None:
                try:
                    values[node.index] = node.gathered(values[node.index])
                except Invalid as fault:
                    node.locate(fault)
                    raise
        self.scope.settle(values)
        if self._late:
            return self._made_late(values)
        return None if values == self._nothing else self._made(values)

    def _made(self, values: Values) -> Any:
        made: Any = _new(self.cls)
        for index, absent in self._absent:
            if values[index] is None:
                values[index] = absent
        for setter, value in zip(self._slots, values):  # noqa: B905 - one place for each slot; strict costs a sixth
            setter(made, value)
        return made

    def _made_late(self, values: Values) -> Any:
        """Return the instance, with the defaults whose `when` can only be asked of what was given."""
        nothing = values == self._nothing
        made = self._made(values)
        for node in self._late:
            if values[node.index] == node.absent and all(when.holds(None, (made, None)) for when in node.whens):
                node.supply(values)
                self._slots[node.index](made, values[node.index])
                nothing = False
        return None if nothing else made

    # Judging, once the whole message is there: `up` are the ancestors.

    def judge(self, value: Any, up: Up) -> None:
        """Raise when a `must` or `when` below does not hold."""
        here = (value, up)
        for get, node in self._judged:
            try:
                node.judge(get(value), here)
            except Invalid as fault:
                node.locate(fault)
                raise

    # Writing.

    def write_xml(self, value: Any, out: list[str], namespace: str) -> None:
        """Append the fields of the instance; `namespace` is the default namespace at this place.

        Raises:
            ValueError: a mandatory field was never set.
        """
        if self._fields is not None:
            for (node, required), field in zip(self._written, self._fields(value), strict=False):
                if field is not None:
                    node.put_xml(field, out, namespace)
                elif required:
                    raise ValueError(f"{self.cls.__name__}.{node.field} is mandatory")

    def write_json(self, value: Any, module: Module | None) -> dict[str, Json]:
        """Return the fields of the instance as a JSON object; `module` is that of the parent node.

        Raises:
            ValueError: a mandatory field was never set.
        """
        out: dict[str, Json] = {}
        if self._fields is not None:
            for (node, required), field in zip(self._written, self._fields(value), strict=False):
                if field is not None:
                    node.put_json(field, out, module)
                elif required:
                    raise ValueError(f"{self.cls.__name__}.{node.field} is mandatory")
        return out
