"""YANG modules twice: as our bindings, freshly generated, and as yangson's data model."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyang.context import Context
from pyang.error import err_level, is_warning
from pyang.repository import FileRepository
from yangson import DataModel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
YANG = ROOT / "yang"
GAUNTLET = ROOT / "tests" / "property" / "modules"


@dataclass(frozen=True)
class Side:
    """One kind of message: the input or output of an RPC, or a notification."""

    module: str
    operation: str
    side: str
    binding: Any
    node: Any

    def __str__(self) -> str:
        return f"{self.operation}-{self.side}"

    @property
    def member(self) -> str:
        """The only member of the JSON document."""
        return f"{self.module}:{self.operation if self.side == 'notification' else self.side}"

    def decode_json(self, body: Any) -> Any:
        return self._call("decode", "json", {self.member: body})

    def encode_json(self, value: Any) -> Any:
        return self._call("encode", "json", value)[self.member]

    def decode_xml(self, element: Any) -> Any:
        return self._call("decode", "xml", element)

    def encode_xml(self, value: Any) -> bytes:
        octets: bytes = self._call("encode", "xml", value)
        return octets

    def _call(self, verb: str, encoding: str, value: Any) -> Any:
        kind = encoding if self.side == "notification" else f"{self.side}_{encoding}"
        return getattr(self.binding, f"{verb}_{kind}")(value)


@dataclass(frozen=True)
class Modules:
    """Our bindings and yangson's model of the same modules."""

    bindings: ModuleType
    model: DataModel

    def sides(self) -> Iterator[Side]:
        """Yield every kind of message."""
        for name, rpc in self.bindings.RPCS.items():
            for side in ("input", "output"):
                node = self.model.get_schema_node(f"/{rpc.module.name}:{name}/{side}")
                yield Side(rpc.module.name, name, side, rpc, node)
        for name, notification in self.bindings.NOTIFICATIONS.items():
            node = self.model.get_schema_node(f"/{notification.module.name}:{name}")
            yield Side(notification.module.name, name, "notification", notification, node)


@cache
def ours() -> Modules:
    """Return the modules of this project, with the bindings that are committed."""
    bindings = importlib.import_module("promise.northbound.bindings")
    return Modules(bindings, _model(bindings, YANG, YANG / "ietf"))


@cache
def gauntlet() -> Modules:
    """Return the modules that hold everything the bindings can express."""
    bindings = generated("gauntlet_bindings", GAUNTLET / "gauntlet.yang", GAUNTLET / "gauntlet-more.yang")
    return Modules(bindings, _model(bindings, GAUNTLET, YANG / "ietf"))


def generated(package: str, *modules: Path, features: dict[str, list[str]] | None = None) -> ModuleType:
    """Return the bindings of some modules, generated into a package of this name."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory, package)
        folder.mkdir()
        for name, text in texts(*modules, features=features).items():
            (folder / name).write_text(text, encoding="utf-8")
        sys.path.insert(0, directory)
        try:
            return importlib.import_module(package)
        finally:
            sys.path.remove(directory)


def texts(*modules: Path, features: dict[str, list[str]] | None = None) -> dict[str, str]:
    """Return the generated files of some modules, without starting pyang's program; raises EmitError."""
    sys.path.insert(0, str(YANG / "plugins"))
    try:
        render, schema = (importlib.import_module(f"bindgen.{name}") for name in ("render", "schema"))
    finally:
        sys.path.remove(str(YANG / "plugins"))
    folders = dict.fromkeys(str(place) for place in (*(module.parent for module in modules), YANG, YANG / "ietf"))
    context = Context(FileRepository(":".join(folders), use_env=False))
    context.features = features or {}
    found = [context.add_module(str(module), module.read_text(encoding="utf-8")) for module in modules]
    context.validate()
    for module in found:
        module.prune()
    wrong = [error for error in context.errors if not is_warning(err_level(error[1]))]
    assert not wrong, wrong
    loaded = {module.arg: module for module in context.modules.values() if module.keyword == "module"}
    made: dict[str, str] = render.rendered(schema.Reader(loaded, YANG).schema(found))
    return made


def run_plugin(modules: tuple[Path, ...], folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Run pyang with the plugin over the modules, into the folder."""
    path = ":".join(str(place) for place in (*{module.parent for module in modules}, YANG, YANG / "ietf"))
    command = [sys.executable, "-m", "pyang", "--plugindir", str(YANG / "plugins"), "-p", path, *more]
    command += ["-f", "promise-bindings", "--bindings-dir", str(folder), *map(str, modules)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _model(bindings: ModuleType, *folders: Path) -> DataModel:
    library = [
        {
            "name": module.name,
            "revision": module.revision,
            "namespace": module.namespace,
            "conformance-type": module.conformance,
            "feature": list(module.features),
        }
        for module in bindings.MODULES.values()
    ]
    text = json.dumps({"ietf-yang-library:modules-state": {"module-set-id": "test", "module": library}})
    return DataModel(text, [str(folder) for folder in folders])
