"""Data nodes, inputs and outputs as JSON schemas; resources, and groupings that are used alone, are components."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from apigen.types import json_type  # type: ignore[import-not-found]  # on the path that pyang makes
from apigen.words import name_of  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bindgen.model import Statement  # type: ignore[import-not-found]

Json = dict[str, Any]

_DATA: Final = {"container", "list", "leaf", "leaf-list"}


class Schemas:
    """Makes schemas; `components` collects those of groupings and resources, by their names.

    With `complete` a node that is mandatory is required: so it is in messages and in what is read, not in a patch.
    """

    def __init__(self, modules: Mapping[str, Statement]) -> None:
        self._modules = modules
        self.components: dict[str, Json] = {}

    def node(self, statement: Statement, *, complete: bool = True, config: bool = False) -> Json:
        """Return the schema of a node's value: for a list, of its array; with `config`, without state."""
        match statement.keyword:
            case "leaf":
                found = self._typed(statement)
            case "leaf-list":
                found = {"type": "array", "items": json_type(statement.search_one("type"), self._modules)}
                found |= _bounds(statement)
            case "list":
                found = {"type": "array", "items": self.body(statement, complete=complete, config=config)}
                found |= _bounds(statement)
            case _:
                found = self.body(statement, complete=complete, config=config)
        return _described(found, statement)

    def body(self, statement: Statement, *, complete: bool = True, config: bool = False) -> Json:
        """Return the schema of what is inside a container, list entry, input or output."""
        name = _grouping(statement) or _resource(statement)
        if not name:
            return self._object(statement, complete=complete, config=config)
        key = name + ("" if complete else "-patch") + ("-config" if config else "")
        if key not in self.components:
            self.components[key] = {}  # a grouping may hold itself, in principle
            self.components[key] = self._object(statement, complete=complete, config=config)
        return {"$ref": f"#/components/schemas/{key}"}

    def _object(self, statement: Statement, *, complete: bool, config: bool) -> Json:
        found: Json = {"type": "object", "properties": {}, "additionalProperties": False}
        required: list[str] = []
        rules: list[Json] = []
        self._inside(statement, found["properties"], required, rules, complete=complete, config=config)
        keys = statement.search_one("key")
        named = keys.arg.split() if keys is not None else []
        required = [*named, *(name for name in required if name not in named)] if complete else named
        if required:
            found["required"] = required
        if rules:
            found["allOf"] = rules
        return found

    def _inside(
        self,
        statement: Statement,
        properties: dict[str, Json],
        required: list[str],
        rules: list[Json],
        *,
        complete: bool,
        config: bool,
    ) -> None:
        for child in statement.i_children:
            if config and child.i_config is False:
                continue
            if child.keyword == "choice":
                rules += self._choice(child, properties, complete=complete, config=config)
            elif child.keyword in _DATA:
                properties[child.arg] = self.node(child, complete=complete, config=config)
                if _mandatory(child):
                    required.append(child.arg)

    def _choice(self, statement: Statement, properties: dict[str, Json], *, complete: bool, config: bool) -> list[Json]:
        """Return what says that at most one case is there, and that one is where the choice is mandatory."""
        cases: list[Json] = []
        for case in statement.i_children:
            inside: dict[str, Json] = {}
            required: list[str] = []
            self._inside(case, inside, required, [], complete=complete, config=config)
            if not inside:
                continue  # its nodes are not of this kind: state, where configuration is written
            for one in inside.values():
                one.pop("minItems", None)  # an array without entries is as none: then the case is not chosen
            properties |= inside
            some = [{"required": [name]} for name in inside]
            cases.append({"allOf": [{"required": required}, {"anyOf": some}]} if required else {"anyOf": some})
        if not complete:
            return []
        if _flag(statement, "mandatory"):
            return [{"oneOf": cases}]
        return [{"anyOf": [{"oneOf": cases}, {"not": {"anyOf": cases}}]}]

    def _typed(self, statement: Statement) -> Json:
        found: Json = json_type(statement.search_one("type"), self._modules)
        default = statement.search_one("default")
        if default is not None:
            found["default"] = _value(default.arg, found)
        if _denied(statement):
            found["writeOnly"] = True
        return found


def _grouping(statement: Statement) -> str | None:
    """Return the name of the grouping that a body is made of, None where it has nodes of its own."""
    if statement.keyword not in {"container", "list"}:
        return None
    uses = statement.search("uses")
    own = [sub for sub in statement.substmts if sub.keyword in {*_DATA, "choice"}]
    simple = len(uses) == 1 and not own and not uses[0].substmts
    return str(uses[0].arg.rpartition(":")[2]) if simple else None


def _resource(statement: Statement) -> str:
    """Return the name of a resource in the data tree, empty for what is a part of a message."""
    if statement.keyword not in {"container", "list"}:
        return ""
    top = statement
    while top.parent.keyword != "module":
        top = top.parent
    return name_of(statement) if top.keyword in _DATA else ""


def _described(found: Json, statement: Statement) -> Json:
    description = statement.search_one("description")
    units = statement.search_one("units")
    if description is not None:
        text = re.sub(r"\s+", " ", description.arg).strip()
        found["description"] = f"{text} ({units.arg})" if units is not None else text
    rules = [must.search_one("error-message") for must in statement.search("must")]
    told = [re.sub(r"\s+", " ", rule.arg).strip() for rule in rules if rule is not None]
    if told:
        found["description"] = f"{found.get('description', '')} Rule: {'; '.join(told)}.".strip()
    return found


def _bounds(statement: Statement) -> Json:
    least, most = statement.search_one("min-elements"), statement.search_one("max-elements")
    found: Json = {"uniqueItems": True} if _distinct(statement) else {}
    if least is not None:
        found["minItems"] = int(least.arg)
    if most is not None and most.arg != "unbounded":
        found["maxItems"] = int(most.arg)
    return found


def _distinct(statement: Statement) -> bool:
    """Tell whether no value comes twice: entries with keys, and the values of a leaf-list that is configuration."""
    return statement.search_one("key") is not None or (statement.keyword == "leaf-list" and statement.i_config is True)


def _mandatory(statement: Statement) -> bool:
    if statement.keyword in {"list", "leaf-list"}:
        least = statement.search_one("min-elements")
        return least is not None and int(least.arg) > 0
    if statement.keyword == "container":
        inside = [child for child in statement.i_children if child.keyword in _DATA]
        return statement.search_one("presence") is None and any(_mandatory(child) for child in inside)
    return _flag(statement, "mandatory")


def _flag(statement: Statement, keyword: str) -> bool:
    found = statement.search_one(keyword)
    return found is not None and found.arg == "true"


def _denied(statement: Statement) -> bool:
    return any(sub.keyword == ("ietf-netconf-acm", "default-deny-all") for sub in statement.substmts)


def _value(text: str, schema: Json) -> Any:
    if schema.get("type") == "boolean":
        return text == "true"
    return int(text) if schema.get("type") == "integer" else text
