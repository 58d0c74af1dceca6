"""Lists and leaf-lists: tuples of entries, empty when there are none."""

from __future__ import annotations

from abc import abstractmethod
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from promise.errors import BadValue, DuplicateNode, Invalid, MustViolation, NotUnique
from promise.northbound.codec.container import Container
from promise.northbound.codec.markup import check_attributes, leaf_text
from promise.northbound.codec.node import Leaf, Node, put_before

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lxml.etree import _Element

    from promise.northbound.codec.module import Module
    from promise.northbound.codec.node import Must, Up, Values, When
    from promise.northbound.codec.scalar import Json, Scalar
    from promise.northbound.codec.struct import Struct

_LONGEST: Final = 100
"""Longer keys are not repeated in a path; the position stands there instead."""


class Series(Node):
    """What lists and leaf-lists share: how entries are gathered, counted and judged."""

    absent: Any = ()
    gathers = True

    def __init__(  # noqa: PLR0913
        self,
        module: Module,
        name: str,
        field: str,
        *,
        least: int,
        most: int | None,
        distinct: bool,
        musts: tuple[Must, ...],
        whens: tuple[When, ...],
    ) -> None:
        super().__init__(module, name, field, musts, whens)
        self.mandatory = least > 0
        self._least, self._most, self._distinct = least, most, distinct
        self._identity: Callable[[Any], Any] = _itself

    @abstractmethod
    def _entry_xml(self, element: _Element) -> Any:
        """Return the entry that the element describes."""

    @abstractmethod
    def _entry_json(self, raw: Json) -> Any:
        """Return the entry that the JSON value describes."""

    @abstractmethod
    def _raw_keys_xml(self, element: _Element) -> Iterable[tuple[str, str | None]]:
        """Return the keys of an entry that could not be read, None where one is absent."""

    @abstractmethod
    def _raw_keys_json(self, raw: Json) -> Iterable[tuple[str, str | None]]:
        """Return the keys of an entry that could not be read, None where one is absent."""

    @abstractmethod
    def _keys(self, entry: Any) -> Iterable[tuple[str, str | None]]:
        """Return the keys of an entry in their canonical forms."""

    def take_xml(self, element: _Element, values: Values) -> None:
        """Read one more entry."""
        given = values[self.index]
        if given is None:
            given = values[self.index] = []
        try:
            given.append(self._entry_xml(element))
        except Invalid as fault:
            put_before(fault, predicate(self._raw_keys_xml(element), len(given) + 1))
            raise

    def take_json(self, raw: Json, values: Values) -> None:
        """Read every element of the array; an empty one says nothing."""
        self.once(values)
        if type(raw) is not list:
            raise BadValue("must be a JSON array")
        given: list[Any] = []
        for entry in raw:
            try:
                given.append(self._entry_json(entry))
            except Invalid as fault:
                put_before(fault, predicate(self._raw_keys_json(entry), len(given) + 1))
                raise
        values[self.index] = given

    def gathered(self, given: Any) -> Any:
        """Return the entries as a tuple; raise where there are too few, too many, or two of the same."""
        if not given:
            return None
        if len(given) < self._least:
            raise self._too_few()
        if self._most is not None and len(given) > self._most:
            raise MustViolation(f"must have at most {self._most} entries", app_tag="too-many-elements")
        if self._distinct and len(given) > 1 and len(set(map(self._identity, given))) < len(given):
            self._repeated(given)
        return tuple(given)

    def _repeated(self, given: list[Any]) -> None:
        seen = set()
        for position, entry in enumerate(given, start=1):
            if self._identity(entry) in seen:
                raise DuplicateNode("must be given once", path=predicate(self._keys(entry), position))
            seen.add(self._identity(entry))

    def supply(self, values: Values) -> None:  # noqa: ARG002 - there is nothing to set
        """Raise: without entries there are too few."""
        raise self._too_few()

    def _too_few(self) -> MustViolation:
        return MustViolation(f"must have at least {self._least} entries", app_tag="too-few-elements")

    def judge(self, value: Any, up: Up) -> None:
        """Judge each entry; an absent series is only too short when its `when` holds."""
        if not value:
            if self.mandatory and not self.in_case and self.expected(up):
                raise self._too_few()
            return
        for position, entry in enumerate(value, start=1):
            try:
                self.permit(entry, up)
                self.require(entry, up)
                self._judge_entry(entry, up)
            except Invalid as fault:
                put_before(fault, predicate(self._keys(entry), position))
                raise

    def _judge_entry(self, entry: Any, up: Up) -> None:
        """Judge what is in the entry."""


class LeafList(Series):
    """A leaf-list; `distinct` where two equal values may not stand (in configuration, RFC 7950 section 7.7)."""

    def __init__(  # noqa: PLR0913
        self,
        module: Module,
        name: str,
        field: str,
        scalar: Scalar,
        *,
        least: int = 0,
        most: int | None = None,
        distinct: bool = False,
        default: tuple[Any, ...] | None = None,
        musts: tuple[Must, ...] = (),
        whens: tuple[When, ...] = (),
    ) -> None:
        super().__init__(module, name, field, least=least, most=most, distinct=distinct, musts=musts, whens=whens)
        self.scalar = scalar
        self._default = default
        self.has_default = default is not None
        self._read_xml = scalar.read_xml
        self._read_json = scalar.read_json
        self._write_xml = scalar.writer
        self._write_json = scalar.write_json

    def supply(self, values: Values) -> None:
        """Set the defaults, or raise: without entries there are too few."""
        if self._default is None:
            super().supply(values)
        values[self.index] = self._default

    def _entry_xml(self, element: _Element) -> Any:
        text = leaf_text(element) if len(element) or element.keys() else element.text
        return self._read_xml(text or "", element)

    def _entry_json(self, raw: Json) -> Any:
        return self._read_json(raw)

    def _raw_keys_xml(self, element: _Element) -> Iterable[tuple[str, str | None]]:
        return ((".", element.text),)

    def _raw_keys_json(self, raw: Json) -> Iterable[tuple[str, str | None]]:
        return ((".", _written(raw)),)

    def _keys(self, entry: Any) -> Iterable[tuple[str, str | None]]:
        return ((".", self.scalar.text(entry)),)

    def put_xml(self, value: Any, out: list[str], namespace: str) -> None:
        """Append an element for each value."""
        start, write, end = self.start(namespace), self._write_xml, self._end
        for entry in value:
            declared = f"{start[:-1]}{self.scalar.declarations(entry)}>" if self.scalar.qualified else start
            out.append(f"{declared}{write(entry)}{end}")

    def put_json(self, value: Any, out: dict[str, Json], module: Module | None) -> None:
        """Add an array of the values, unless there are none."""
        if value:
            out[self.member(module)] = [self._write_json(entry) for entry in value]


class List(Series):
    """A list; `keys` are its key leaves (none in a list without key), `unique` its unique statements.

    `unique` holds, for each statement, the paths of attributes from an entry to its leaves.
    """

    def __init__(  # noqa: PLR0913
        self,
        module: Module,
        name: str,
        field: str,
        struct: Struct,
        *,
        keys: tuple[str, ...] = (),
        unique: tuple[tuple[str, ...], ...] = (),
        least: int = 0,
        most: int | None = None,
        musts: tuple[Must, ...] = (),
        whens: tuple[When, ...] = (),
    ) -> None:
        super().__init__(module, name, field, least=least, most=most, distinct=bool(keys), musts=musts, whens=whens)
        self.struct = struct
        self._unique = tuple(tuple((path, _steps(struct, path)) for path in paths) for paths in unique)
        leaves = {node.name: node for node in struct.nodes if isinstance(node, Leaf)}
        self._key_leaves = tuple(leaves[key] for key in keys)
        if keys:
            self._identity = attrgetter(*(leaf.field for leaf in self._key_leaves))

    def _entry_xml(self, element: _Element) -> Any:
        if element.keys():
            check_attributes(element)
        entry = self.struct.read_xml(element)
        return self.struct.blank if entry is None else entry

    def _entry_json(self, raw: Json) -> Any:
        entry = self.struct.read_json(raw, self.module)
        return self.struct.blank if entry is None else entry

    def _raw_keys_xml(self, element: _Element) -> Iterable[tuple[str, str | None]]:
        return ((leaf.segment[1:], element.findtext(leaf.tag)) for leaf in self._key_leaves)

    def _raw_keys_json(self, raw: Json) -> Iterable[tuple[str, str | None]]:
        raw = raw if type(raw) is dict else {}
        return (
            (leaf.segment[1:], _written(raw.get(leaf.member(self.module), raw.get(leaf.qualified))))
            for leaf in self._key_leaves
        )

    def _keys(self, entry: Any) -> Iterable[tuple[str, str | None]]:
        return ((leaf.segment[1:], leaf.scalar.text(getattr(entry, leaf.field))) for leaf in self._key_leaves)

    def gathered(self, given: Any) -> Any:
        """Return the entries as a tuple; raise where there are too few, too many, or two of the same."""
        entries = super().gathered(given)
        for leaves in self._unique if entries else ():
            self._check_unique(leaves, entries)
        return entries

    def _check_unique(self, leaves: tuple[tuple[str, str], ...], entries: tuple[Any, ...]) -> None:
        """Raise where two entries have the same values in all leaves of a `unique` (RFC 7950 section 7.8.3)."""
        seen: dict[tuple[Any, ...], str] = {}
        for position, entry in enumerate(entries, start=1):
            values = tuple(_reached(entry, path) for path, _ in leaves)
            if None in values:
                continue
            here = predicate(self._keys(entry), position)
            other = seen.setdefault(values, here)
            if other != here:
                steps = [step for _, step in leaves]
                names = " and ".join(step[1:] for step in steps)
                fault = NotUnique(f"must differ from the other entries in {names}", path=here)
                fault.nodes = tuple(entry + step for entry in (other, here) for step in steps)
                raise fault

    @property
    def judged(self) -> bool:
        """Whether this node or one below has something to judge."""
        return bool(self.musts or self.whens) or self.struct.judged

    def _judge_entry(self, entry: Any, up: Up) -> None:
        self.struct.judge(entry, up)

    def put_xml(self, value: Any, out: list[str], namespace: str) -> None:
        """Append an element for each entry."""
        start, write, inside, end = self.start(namespace), self.struct.write_xml, self.module.namespace, self._end
        for entry in value:
            out.append(start)
            write(entry, out, inside)
            out.append(end)

    def put_json(self, value: Any, out: dict[str, Json], module: Module | None) -> None:
        """Add an array of objects, unless there are none."""
        if value:
            out[self.member(module)] = [self.struct.write_json(entry, self.module) for entry in value]


def predicate(keys: Iterable[tuple[str, str | None]], position: int) -> str:
    """Return `[prefix:key='value']` for each key, or the position (from 1) when one is absent or unquotable.

    An XPath literal holds no quote of its own kind (RFC 7950 section 9.13.2), so a value with both is unquotable.
    """
    written = ""
    for name, value in keys:
        if value is None or len(value) > _LONGEST or ("'" in value and '"' in value):
            return f"[{position}]"
        quote = '"' if "'" in value else "'"
        written += f"[{name}={quote}{value}{quote}]"
    return written or f"[{position}]"


def _itself(entry: Any) -> Any:
    return entry


def _written(raw: Json) -> str | None:
    """Return a JSON scalar as text, None for anything else."""
    if type(raw) is bool:
        return "true" if raw else "false"
    return str(raw) if type(raw) in (str, int) else None


def _steps(struct: Struct, path: str) -> str:
    """Return the steps of a path of attributes as a path of names."""
    first, _, rest = path.partition(".")
    node = next(node for node in struct.nodes if node.field == first)
    return node.segment + (_steps(node.struct, rest) if isinstance(node, Container) else "")


def _reached(entry: Any, path: str) -> Any:
    """Return the value at the end of a path of attributes, None when there is none."""
    for field in path.split("."):
        if entry is None:
            return None
        entry = getattr(entry, field)
    return entry
