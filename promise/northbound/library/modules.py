"""The modules that come with this package: which there are, how we conform to each, and their texts byte for byte.

`yang/library.json` is the one list of them; it says `implement` or `import`, and which features are supported.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_STATE: Final = "ietf-yang-library:modules-state"
_PREFIX: Final = re.compile(r"^\s*prefix\s+[\"']?([\w.-]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class YangModule:
    """One module; `implemented` = its nodes are there, else only its definitions are used by others."""

    name: str
    revision: str
    namespace: str
    prefix: str
    implemented: bool
    features: tuple[str, ...]
    text: str

    @property
    def told(self) -> dict[str, Any]:
        """Return what both trees of the YANG library say of it."""
        return {"name": self.name, "revision": self.revision, "namespace": self.namespace} | (
            {"feature": list(self.features)} if self.features else {}
        )


@dataclass(frozen=True, slots=True)
class Library:
    """All modules by name, and the content-id: a hash over everything that is told of them and over their texts."""

    modules: dict[str, YangModule]
    content_id: str

    @classmethod
    def of(cls, modules: Iterable[YangModule]) -> Library:
        """Return the library of these modules."""
        known = {module.name: module for module in sorted(modules, key=lambda module: module.name)}
        told = [
            [module.told, module.implemented, hashlib.sha256(module.text.encode()).hexdigest()]
            for module in known.values()
        ]
        content = json.dumps(told, sort_keys=True, separators=(",", ":"))
        return cls(known, hashlib.sha256(content.encode()).hexdigest()[:32])

    @property
    def implemented(self) -> list[YangModule]:
        """Return the modules whose nodes are there."""
        return [module for module in self.modules.values() if module.implemented]

    @property
    def imported(self) -> list[YangModule]:
        """Return the modules of which only definitions are used."""
        return [module for module in self.modules.values() if not module.implemented]


def read_library(folder: Path) -> Library:
    """Read `library.json` of a folder, and the modules that it lists from there or from `ietf/` in it."""
    listed = json.loads((folder / "library.json").read_text(encoding="utf-8"))[_STATE]["module"]
    return Library.of(_module(folder, said) for said in listed)


def _module(folder: Path, said: dict[str, Any]) -> YangModule:
    file = f"{said['name']}.yang"
    text = next(path for path in (folder / file, folder / "ietf" / file) if path.is_file()).read_text(encoding="utf-8")
    prefix = _PREFIX.search(text)
    return YangModule(
        name=said["name"],
        revision=said["revision"],
        namespace=said["namespace"],
        prefix=prefix[1] if prefix else said["name"],
        implemented=said["conformance-type"] == "implement",
        features=tuple(said.get("feature", ())),
        text=text,
    )


@cache
def library() -> Library:
    """Return the library of the modules that come with this package."""
    package = Path(__file__).parents[2]
    installed = package / "yang"
    return read_library(installed if installed.is_dir() else package.parent / "yang")
