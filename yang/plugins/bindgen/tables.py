"""The generated module `schema`: types, bodies and operations, each distinct one once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .classes import literal, provides
from .conditions import compiled
from .layout import Call, assigned, entries, quoted
from .model import Node
from .names import attribute, constant, operation_constant

if TYPE_CHECKING:
    from .model import Choice, Operation, Part, Schema, Statement

_HEAD: Final = '''"""How the values are read, checked and written: the schema as tables of the run time."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from promise.northbound import codec

from . import classes
'''


class Tables:
    """Writes the tables of one schema."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._taken: dict[str, int] = {}
        self._modules = {module.name: self._fresh(constant(module.name)) for module in schema.modules}
        self._scalars: dict[tuple[str, str], str] = {}
        self._structs: dict[tuple[str, str], str] = {}
        self._types: list[str] = []
        self._bodies: list[str] = []

    def text(self) -> str:
        """Return the module's text."""
        operations = [self._operation(one) for one in (*self._schema.rpcs, *self._schema.notifications)]
        data = [line for node in self._schema.data for line in self._data(node, "")]
        sections = [
            _HEAD,
            "# Modules\n",
            *self._modules_lines(),
            "\n# Types\n",
            *self._types,
            "\n# Bodies\n",
            *self._bodies,
            "\n# Operations\n",
            *operations,
            "\n# Data\n",
            "DATA: Final[Mapping[str, codec.Data[Any]]] = {",
            *data,
            "}",
        ]
        return "\n".join(sections) + "\n"

    def _fresh(self, name: str) -> str:
        """Return the name, numbered when it is taken."""
        self._taken[name] = self._taken.get(name, 0) + 1
        return name if self._taken[name] == 1 else f"{name}_{self._taken[name]}"

    def _modules_lines(self) -> list[str]:
        lines = []
        for module in self._schema.modules:
            call = Call("codec.Module")
            for value in (module.name, module.revision, module.namespace, module.prefix, module.file):
                call.add(quoted(value))
            if module.features:
                call.add(entries([quoted(feature) for feature in module.features]), "features")
            if module.conformance != "implement":
                call.add(quoted(module.conformance), "conformance")
            lines.append(assigned(self._modules[module.name], call))
        table = "\n".join(f"    {quoted(name)}: {written}," for name, written in self._modules.items())
        return [*lines, f"MODULES: Final[Mapping[str, codec.Module]] = {{\n{table}\n}}"]

    # Types

    def _scalar(self, node: Node) -> str | Call:
        """Return the constant of a type that has a name, or the type itself."""
        assert node.scalar is not None
        source, typedef = node.scalar.source, node.scalar.typedef
        if isinstance(source, str) or not typedef:
            return source
        key = typedef, source.flat()
        if key not in self._scalars:
            self._scalars[key] = self._fresh(f"{constant(typedef).removesuffix('_TYPE')}_TYPE")
            self._types.append(assigned(self._scalars[key], source))
        return self._scalars[key]

    # Bodies

    def _struct(self, node: Node, *, checked: bool) -> str:
        """Return the constant of the body of a node; equal bodies are one."""
        call = Call("codec.Struct").add(f"classes.{node.body}")
        self._add_parts(call, node.parts, checked=checked)
        key = node.body, call.flat()
        if key not in self._structs:
            self._structs[key] = self._fresh(constant(node.body))
            self._bodies.append(assigned(self._structs[key], call))
        return self._structs[key]

    def _add_parts(self, call: Call, parts: list[Part], *, checked: bool) -> None:
        for part in parts:
            if isinstance(part, Node):
                call.add(self._node(part, checked=checked))
            elif checked:
                call.add(self._choice(part))
            else:
                for case in part.cases:
                    self._add_parts(call, case.parts, checked=False)

    def _choice(self, choice: Choice) -> Call:
        call = Call("codec.Choice").add(quoted(choice.name))
        for case in choice.cases:
            inner = Call("codec.Case").add(quoted(case.name))
            self._add_parts(inner, case.parts, checked=True)
            call.add(inner)
        if choice.mandatory:
            call.add("True", "mandatory")
        if choice.default:
            call.add(quoted(choice.default), "default")
        return call

    def _node(self, node: Node, *, checked: bool) -> Call:
        call = Call(f"codec.{_kind(node)}").add(self._modules[node.module])
        call.add(quoted(node.name)).add(quoted(attribute(node.name)))
        call.add(self._struct(node, checked=checked) if node.has_body else self._scalar(node))
        key = node.parent is not None and node.name in node.parent.keys
        if node.mandatory and (checked or key):
            call.add("True", "mandatory")
        if node.presence:
            call.add("True", "presence")
        if node.keys:
            call.add(entries([quoted(name) for name in node.keys]), "keys")
        if node.unique:
            call.add(entries([entries([quoted(path) for path in paths]).flat() for paths in node.unique]), "unique")
        if node.least:
            call.add(str(node.least), "least")
        if node.most is not None:
            call.add(str(node.most), "most")
        if node.defaults and checked:
            defaults = literal(node)
            call.add(entries(defaults) if node.is_series else defaults[0], "default")
        self._add_rules(call, "musts", [self._must(must, node) for must in node.musts])
        self._add_rules(call, "whens", [self._when(when, node) for when in node.whens])
        return call

    def _add_rules(self, call: Call, keyword: str, rules: list[Call]) -> None:
        if rules:
            group = Call("")
            for rule in rules:
                group.add(rule)
            call.add(group, keyword)

    def _must(self, statement: Statement, node: Node) -> Call:
        message, tag = statement.search_one("error-message"), statement.search_one("error-app-tag")
        rule = message.arg if message is not None else f"must satisfy {statement.arg}"
        call = Call("codec.Must").add(compiled(statement, node)).add(quoted(" ".join(rule.split())))
        return call if tag is None else call.add(quoted(tag.arg))

    def _when(self, statement: Statement, node: Node) -> Call:
        near = bool(node.defaults) or (node.has_body and not node.presence and provides(node))
        return Call("codec.When").add(compiled(statement, node, near=near)).add(quoted(" ".join(statement.arg.split())))

    # Operations

    def _operation(self, operation: Operation) -> str:
        bodies = operation.bodies
        call = Call(f"codec.{operation.kind}").add(self._modules[operation.module]).add(quoted(operation.name))
        for body in bodies:
            prefix = f"{body.keyword}_" if len(bodies) > 1 else ""
            call.add(self._struct(body, checked=True), prefix.removesuffix("_"))
            self._add_rules(call, f"{prefix}musts", [self._must(must, body) for must in body.musts])
        if operation.default_deny:
            call.add(quoted(operation.default_deny), "default_deny")
        types = ", ".join(f"classes.{body.body}" for body in bodies)
        name = self._fresh(operation_constant(operation))
        return assigned(name, call, f"Final[codec.{operation.kind}[{types}]]")

    # Data

    def _data(self, node: Node, above: str) -> list[str]:
        """Return the lines of the table of data: containers and lists, by their path from the root."""
        path = f"{above}/{node.name}"
        call = Call("codec.Data").add(self._modules[node.module]).add(quoted(node.name))
        call.add(self._struct(node, checked=False)).add(str(node.config), "config")
        if node.keyword == "list":
            call.add("True", "entry")
        if node.keys:
            call.add(entries([quoted(attribute(key)) for key in node.keys]), "keys")
        head = f"    {quoted(path)}: "
        line = f"{head}{call.laid(4, len(head))},"
        return [line, *(below for child in node.children() if child.has_body for below in self._data(child, path))]


def _kind(node: Node) -> str:
    """Return the class of the run time that reads the node."""
    if node.keyword == "leaf":
        return "Flag" if node.scalar is not None and node.scalar.kind == "empty" else "Leaf"
    return {"leaf-list": "LeafList", "container": "Container", "list": "List"}[node.keyword]
