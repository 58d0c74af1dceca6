"""What other implementations say of a document: yangson in both encodings, and yanglint."""

from __future__ import annotations

import calendar
import re
from decimal import InvalidOperation
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from yangson import datatype as types
from yangson import schemanode as nodes
from yangson.enumerations import ContentType
from yangson.exceptions import YangsonException
from yangson.xmlparser import XMLParser

if TYPE_CHECKING:
    from oracle.yang_model import Modules, Side

MOMENT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII
)  # fmt: skip


FORGIVEN = re.compile(r"\d+(_\d+)+|[+-]?\d*\.?\d*[eE][+-]?\d+|[+-]?(Infinity|NaN)")
"""Numbers that yangson takes because Python does."""


class Rejected(Exception):
    """The judge found the document wrong."""


class NoXml(Exception):
    """The document has no XML: it has an object where a value should be, or characters that XML has not."""


def yangson_json(modules: Modules, side: Side, body: Any) -> Any:
    """Return the body with defaults, in canonical form, as yangson understands the JSON."""
    if side.side == "notification":
        raw = {f"{side.module}:{key}" if ":" not in key and key != "@" else key: value for key, value in body.items()}
    else:
        raw = {side.member: body}
    return _judged(side, lambda: modules.model.from_raw(raw, f"{side.module}:{side.operation}"))


def yangson_xml(modules: Modules, side: Side, text: str) -> Any:
    """Return the body with defaults, in canonical form, as yangson understands the XML of `markup`.

    yangson takes an element without text for one without a value: it is helped over that.
    """
    root: Any = XMLParser(text).root
    _fill(side.node, root)
    return _judged(side, lambda: modules.model.from_xml(root, f"{side.module}:{side.operation}"))


def forgiven(value: Any) -> bool:
    """Tell whether there is a number in the document that yangson forgives."""
    if isinstance(value, dict):
        return any(map(forgiven, value.values()))
    if isinstance(value, list):
        return any(map(forgiven, value))
    return FORGIVEN.fullmatch(str(value)) is not None


def _fill(node: Any, element: Any) -> None:
    for child in element:
        namespace, _, name = child.tag[1:].partition("}")
        module = node.schema_root().schema_data.modules_by_ns.get(namespace)
        found = node.get_data_child(name, module.main_module[0]) if module is not None else None
        if isinstance(found, nodes.InternalNode):
            _fill(found, child)
        elif found is not None and child.text is None and not isinstance(found.type, types.EmptyType):
            child.text = ""


def _judged(side: Side, build: Any) -> Any:
    try:
        root = build()
        root.validate(ctype=ContentType.all)
        body = root if side.side == "notification" else root[side.member]
        raw = body.add_defaults(ContentType.all).raw_value()
    # yangson stumbles over shapes that it does not expect, and over its own report of a missing choice.
    except (YangsonException, TypeError, AttributeError, KeyError, ValueError, InvalidOperation) as error:
        raise Rejected(repr(error)) from error
    prefix = f"{side.module}:"
    try:
        return canonical(side.node, {key.removeprefix(prefix): value for key, value in raw.items()})
    except ValueError as error:
        raise Rejected("no real moment, which yangson does not look at") from error


def canonical(node: Any, body: Any) -> Any:
    """Return the body with times in UTC, and without containers, arrays and entries that say nothing."""
    found = {}
    for name, value in body.items():
        child = _child(node, name)
        written = _canonical_value(child, value)
        empty = written == [] or (written == {} and not getattr(child, "presence", False))
        if not empty:
            found[name] = written
    return found


def without_blanks(value: Any) -> Any:
    """Return our JSON without entries that say nothing, which yangson forgets."""
    if isinstance(value, dict):
        return {name: kept for name, member in value.items() if (kept := without_blanks(member)) != []}
    if isinstance(value, list):
        return [kept for entry in value if (kept := without_blanks(entry)) != {}]
    return value


def _canonical_value(node: Any, value: Any) -> Any:
    if isinstance(node, nodes.ListNode):
        return [written for entry in value if (written := canonical(node, entry))]
    if isinstance(node, nodes.LeafListNode):
        return [_canonical_scalar(node.type, entry) for entry in value]
    if isinstance(node, nodes.LeafNode):
        return _canonical_scalar(node.type, value)
    return canonical(node, value)


def _canonical_scalar(kind: Any, value: Any) -> Any:
    return instant(value) if kind.name == "date-and-time" else value


def _child(node: Any, name: str) -> Any:
    module, _, local = name.rpartition(":")
    return node.get_data_child(local, module or node.ns)


def instant(text: str) -> str:
    """Return a date-and-time in UTC, its fraction cut to microseconds but not to nothing; ValueError if it is none."""
    found = MOMENT.fullmatch(text)
    if found is None:
        raise ValueError(text)
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    fraction, sign, hours, minutes = found.group(7) or "", found[8], int(found[9] or 0), int(found[10] or 0)
    if not (
        year >= 1 and 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]
        and hour < 24 and minute < 60 and second <= 60 and hours < 24 and minutes < 60
    ):  # fmt: skip
        raise ValueError(text)
    ahead = (hours * 3600 + minutes * 60) * (-1 if sign == "-" else 1)
    seconds = (calendar.timegm((1970, 1, 1, hour, minute, second)) - ahead) + _days(year, month, day) * 86400
    days, rest = divmod(seconds, 86400)
    micros = fraction[:6].ljust(6, "0") if fraction.strip("0") else ""
    micros = ("000001" if micros == "000000" else micros).rstrip("0")
    clock = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    return f"{_date(days)}T{clock}{'.' + micros if micros else ''}Z"


def _days(year: int, month: int, day: int) -> int:
    """Return the days since 1970-01-01, by counting leap years."""
    before = year - 1
    leaps = before // 4 - before // 100 + before // 400 - (1969 // 4 - 1969 // 100 + 1969 // 400)
    in_year = sum(calendar.monthrange(year, earlier)[1] for earlier in range(1, month)) + day - 1
    return (year - 1970) * 365 + leaps + in_year


def _date(days: int) -> str:
    """Return the date of a number of days since 1970-01-01; ValueError outside the years 1 to 9999."""
    year = 1970 + days // 366 if days >= 0 else 1970 + days // 365 - 1
    while _days(year + 1, 1, 1) <= days:
        year += 1
    if not 1 <= year <= 9999:
        raise ValueError(days)
    left = days - _days(year, 1, 1)
    month = 1
    while left >= calendar.monthrange(year, month)[1]:
        left -= calendar.monthrange(year, month)[1]
        month += 1
    return f"{year:04}-{month:02}-{left + 1:02}"


# XML, by a hand of its own


def markup(modules: Modules, side: Side, body: Any, name: str = "") -> str:
    """Return the body as XML: one element with the children; NoXml for what has none."""
    namespaces = {module.name: module.namespace for module in modules.bindings.MODULES.values()}
    prefixes = {module.name: module.prefix for module in modules.bindings.MODULES.values()}
    tag = name or (side.operation if side.side == "notification" else side.side)
    inner = _elements(side.node, body, namespaces, prefixes)
    return f'<{tag} xmlns="{namespaces[side.module]}">{inner}</{tag}>'


def _elements(node: Any, body: Any, namespaces: dict[str, str], prefixes: dict[str, str]) -> str:
    if not isinstance(body, dict):
        raise NoXml(body)
    written = ""
    for member, value in body.items():
        module, _, name = member.rpartition(":")
        if (module and module not in namespaces) or member.startswith("@"):
            raise NoXml(member)
        child = _child(node, member)
        home = module or node.ns
        series = isinstance(child, nodes.SequenceNode)
        if series and not isinstance(value, list):
            raise NoXml(value)
        for entry in value if series else [value]:
            inner = _content(child, entry, namespaces, prefixes)
            written += f'<{name} xmlns="{namespaces[home]}"{inner}</{name}>'
    return written


def _content(node: Any, value: Any, namespaces: dict[str, str], prefixes: dict[str, str]) -> str:
    """Return what follows the name and namespace of a start tag, up to the end tag."""
    if node is not None and isinstance(node, nodes.InternalNode):
        return ">" + _elements(node, value, namespaces, prefixes)
    if isinstance(value, dict) or (isinstance(value, list) and value != [None]):
        raise NoXml(value)
    kind: Any = getattr(node, "type", None)
    kind = kind.ref_type if isinstance(kind, types.LeafrefType) else kind
    if isinstance(kind, types.IdentityrefType) and isinstance(value, str) and ":" in value:
        module, _, name = value.partition(":")
        if module not in namespaces or module == getattr(node, "ns", ""):
            return f">{escape(name)}"
        return f' xmlns:{prefixes[module]}="{namespaces[module]}">{prefixes[module]}:{escape(name)}'
    return ">" + escape(_text(value))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if value is None or value == [None]:
        return ""
    text = str(value)
    if any(not (character.isprintable() or character in "\t\n") for character in text):
        raise NoXml(text)
    return text
