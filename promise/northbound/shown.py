"""What a reader may see of a datastore: text that can go out as it is, or elements where something has to be taken out.

Almost every answer is as it was built: then nothing parses it again. A filter that chooses among leaves, access rules
and defaults work on elements.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lxml.etree import _Element

_PARSER: Final = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
"""What it reads we have written ourselves."""


class Shown:
    """Top-level nodes; `texts` is None where only elements are known.

    `exact` tells that the selection for which they were built finds nothing in them to take out.
    """

    __slots__ = ("_elements", "exact", "texts")

    def __init__(self, texts: Iterable[bytes], *, exact: bool) -> None:
        self.texts: list[bytes] | None = list(texts)
        self.exact = exact
        self._elements: list[_Element] | None = None

    @classmethod
    def of(cls, elements: Sequence[_Element]) -> Shown:
        """Return what is shown when something was taken out of it."""
        found = cls((), exact=False)
        found.texts, found._elements = None, list(elements)
        return found

    def elements(self) -> list[_Element]:
        """Return the nodes as elements, to be reduced in place."""
        if self._elements is None:
            self._elements = [etree.fromstring(text, _PARSER) for text in self.texts or ()]
            self.texts = None  # they are no longer what the elements will be
        return self._elements

    def and_also(self, others: Shown) -> Shown:
        """Return these nodes and behind them others."""
        if self.texts is not None and others.texts is not None:
            return Shown([*self.texts, *others.texts], exact=self.exact and others.exact)
        return Shown.of([*self.elements(), *others.elements()])
