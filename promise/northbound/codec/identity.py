"""identityref: the name of an identity, whose prefix is resolved on reading and written where the format wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promise.errors import BadValue
from promise.northbound.codec.characters import WHITE_SPACE
from promise.northbound.codec.scalar import Json, Scalar

if TYPE_CHECKING:
    from lxml.etree import _Element

    from promise.northbound.codec.module import Module


class IdentityRef(Scalar):
    """One of the identities derived from the bases; the value is its name without prefix.

    `home` is the module of the leaf's namespace: in XML its identities are written without prefix, which stands for
    the default namespace of the element (RFC 7950 section 9.10.3); JSON always carries the module's name (RFC 7951
    section 6.8). Names are unique among the identities of one type, or the schema is not compiled.
    """

    python = str
    qualified = True

    def __init__(self, home: Module, *identities: tuple[Module, str]) -> None:
        self._home = home
        self._module = {name: module for module, name in identities}
        self._by_namespace = {(module.namespace, name): name for module, name in identities}
        self._by_module = {f"{module.name}:{name}": name for module, name in identities}
        self._by_module.update({name: name for module, name in identities if module is home})
        spelled = ", ".join(f"{module.prefix}:{name}" for module, name in identities)
        self._rule = f"must be one of the identities {spelled}"

    def read_xml(self, text: str, element: _Element | None) -> str:
        """Return the name of the identity; a prefix, or its absence, means what the element's namespaces say."""
        prefix, colon, name = text.strip(WHITE_SPACE).rpartition(":")
        if element is None:
            namespace: str | None = self._home.namespace
        else:
            namespace = element.nsmap.get(prefix if colon else None)
        identity = self._by_namespace.get((namespace or "", name))
        if identity is None:
            raise BadValue(self._rule)
        return identity

    def read_json(self, raw: Json) -> str:
        """Return the name of the identity."""
        identity = self._by_module.get(raw) if type(raw) is str else None
        if identity is None:
            raise BadValue(self._rule)
        return identity

    def text(self, value: str) -> str:
        """Return the name, with the prefix of its module unless that is the leaf's own."""
        module = self._module[value]
        return value if module is self._home else f"{module.prefix}:{value}"

    def write_xml(self, value: str) -> str:
        """Return the name, prefixed as `declarations` declares it."""
        return self.text(value)

    def write_json(self, value: str) -> Json:
        """Return the name with its module's."""
        return f"{self._module[value].name}:{value}"

    def declarations(self, value: str) -> str:
        """Return the declaration of the prefix of a foreign identity."""
        module = self._module[value]
        return "" if module is self._home else f' xmlns:{module.prefix}="{module.namespace}"'

    def holds(self, value: object) -> bool:
        """Tell whether this is the name of one of the identities."""
        return value in self._module
