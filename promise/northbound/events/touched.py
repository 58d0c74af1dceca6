"""Which parts of the operational datastore commits have touched: a look for changes reads no more than those."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from lxml import etree

from promise.northbound import bindings as yang
from promise.northbound.subtree import Selection

if TYPE_CHECKING:
    from collections.abc import Iterable

    from promise.events import Entry

MANY: Final = 256
"""So many parts are looked for one by one, at most."""

_SPACE: Final = yang.DATA["/promise"].namespace
_SILENT: Final = frozenset({"idempotency"})
"""Tables of which nothing is shown."""


class Touched:
    """Lists below /promise with the keys of entries, besides `capacity`, which any commit may have moved.

    `everything`: nobody knows what was touched.
    """

    def __init__(self, *, everything: bool = False) -> None:
        self.everything = everything
        self._keys: set[tuple[str, str]] = set()

    def note(self, entries: Iterable[Entry]) -> None:
        """Add what these entries touch."""
        for entry in entries:
            if self.everything:
                return
            found = _parts(entry)
            if found is None or len(self._keys) > MANY:
                self.everything = True
                self._keys.clear()
            else:
                self._keys |= found

    @property
    def paths(self) -> set[str]:
        """The paths of the parts (RFC 8040 section 3.5.3)."""
        top = "/opnfv-promise:promise"
        return {f"{top}/{name}={quote(key, safe='')}" for name, key in self._keys} | {f"{top}/capacity"}

    def within(self, wanted: Selection) -> Selection | None:
        """Return the selection of what is touched and wanted, None where that is nothing."""
        inside = wanted.child(_SPACE, "promise")
        if inside is None:
            return None
        root = etree.Element("filter")
        place = etree.SubElement(root, f"{{{_SPACE}}}promise")
        if inside.child(_SPACE, "capacity") is not None:
            etree.SubElement(place, f"{{{_SPACE}}}capacity")
        for name, key in sorted(self._keys):
            if inside.child(_SPACE, name) is not None:
                entry = etree.SubElement(place, f"{{{_SPACE}}}{name}")
                etree.SubElement(entry, f"{{{_SPACE}}}id").text = key
        return Selection.of(root) if len(place) else None


def _parts(entry: Entry) -> set[tuple[str, str]] | None:
    """Return the parts that an entry touches, None where that may be anything: configuration, pools, clouds."""
    event = entry.event
    record: Any = event.record
    match event.table:
        case "reservation":
            return {("reservations", event.key)}
        case "allocation" if record is not None:
            return {("allocations", event.key), *([("reservations", record.reservation)] if record.reservation else [])}
        case "operation" if record is not None:
            return {("operations", event.key), ("allocations", record.instance)}
        case table if table in _SILENT:
            return set()
    return None
