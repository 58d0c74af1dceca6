"""What a reader may see of a datastore: text that can go out as it is, or elements where something has to be taken out.

Almost every answer is as it was built: then nothing parses it again. A filter that chooses among leaves, access rules
and defaults work on elements.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lxml.etree import _Element

_PARSER: Final = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
"""What it reads we have written ourselves."""


class Shown:
    """Top-level nodes.

    `exact` tells that the selection for which they were built finds nothing in them to take out.
    """

    __slots__ = ("_elements", "_texts", "exact")

    def __init__(self, texts: Iterable[bytes], *, exact: bool) -> None:
        self.exact = exact
        self._texts: list[bytes] = list(texts)
        self._elements: list[_Element] | None = None

    @classmethod
    def of(cls, elements: Iterable[_Element], *, exact: bool) -> Shown:
        """Return what is shown when something was taken out of it."""
        found = cls((), exact=exact)
        found._elements = list(elements)
        return found

    def texts(self) -> list[bytes]:
        """Return the nodes as text, in UTF-8."""
        if self._elements is not None:
            self._texts = [text_of(element) for element in self._elements]
            self._elements = None
        return self._texts

    def elements(self) -> list[_Element]:
        """Return the nodes as elements, which may be reduced in place."""
        if self._elements is None:
            self._elements = [etree.fromstring(text, _PARSER) for text in self._texts]
            self._texts = []
        return self._elements

    def and_also(self, others: Shown) -> Shown:
        """Return these nodes and behind them others."""
        exact = self.exact and others.exact
        if self._elements is None and others._elements is None:
            return Shown(self._texts + others._texts, exact=exact)
        return Shown.of(self.elements() + others.elements(), exact=exact)

    def put(self, name: str, namespace: str, inside: Iterable[bytes]) -> None:
        """Add children to the top-level node of that name, which may not be there yet."""
        start, end = f'<{name} xmlns="{namespace}">'.encode(), f"</{name}>".encode()
        before = next((text for text in self.texts() if text.startswith(start)), start + end)
        others = [text for text in self._texts if text is not before]
        self._texts = [b"".join([before.removesuffix(end), *inside, end]), *others]


def text_of(element: _Element) -> bytes:
    """Return an element as text, in UTF-8."""
    return etree.tostring(element, encoding="utf-8", with_tail=False)
