"""Choices and cases, and what has to be there: the part of a body's rules that looks at which nodes were given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promise.errors import DuplicateNode, Invalid, MissingChoice
from promise.northbound.codec.node import Node

if TYPE_CHECKING:
    from promise.northbound.codec.node import Values


class Scope:
    """Nodes and choices that stand together: a whole body, or one case of a choice."""

    def __init__(self, parts: tuple[Part, ...]) -> None:
        self._parts = parts
        self.choices = tuple(part for part in parts if isinstance(part, Choice))
        self.nodes: tuple[Node, ...] = tuple(
            node for part in parts for node in ((part,) if isinstance(part, Node) else part.nodes)
        )
        self._needed: tuple[Node, ...] = ()

    def bind(self) -> None:
        """Find out which nodes have to be supplied; called when the nodes know their places."""
        own = (part for part in self._parts if isinstance(part, Node))
        self._needed = tuple(node for node in own if (node.mandatory or node.has_default) and not node.whens)
        for choice in self.choices:
            choice.bind()

    @property
    def supplies(self) -> bool:
        """Whether an empty body is more than nothing: it has defaults, or lacks what is mandatory."""
        return bool(self._needed) or any(choice.mandatory or choice.default for choice in self.choices)

    def given(self, values: Values) -> Node | None:
        """Return the first node of the scope that was given."""
        return next((node for node in self.nodes if values[node.index] is not None), None)

    def settle(self, values: Values) -> None:
        """Set the defaults; raise where something mandatory is absent or two cases are present."""
        for node in self._needed:
            if values[node.index] is None:
                try:
                    node.supply(values)
                except Invalid as fault:
                    node.locate(fault)
                    raise
        for choice in self.choices:
            choice.settle(values)


class Case(Scope):
    """A case of a choice, or a node that stands in a choice alone."""

    def __init__(self, name: str, *parts: Part) -> None:
        super().__init__(parts)
        self.name = name
        for node in self.nodes:
            node.in_case = True


class Choice:
    """A choice: nodes of at most one of its cases may be there (RFC 7950 section 7.9)."""

    def __init__(self, name: str, *cases: Case, mandatory: bool = False, default: str = "") -> None:
        self.name = name
        self.cases = cases
        self.mandatory = mandatory
        self.default = next((case for case in cases if case.name == default), None)
        self.nodes = tuple(node for case in cases for node in case.nodes)

    def bind(self) -> None:
        """Pass on that the nodes know their places."""
        for case in self.cases:
            case.bind()

    def settle(self, values: Values) -> None:
        """Judge which case was chosen, and what that case wants; a default case wants only its defaults."""
        chosen = [(case, node) for case in self.cases if (node := case.given(values)) is not None]
        if len(chosen) > 1:
            (_, first), (_, second) = chosen[:2]
            fault: Invalid = DuplicateNode(f"must not stand beside {first.name}: {self._spelled()}")
            second.locate(fault)
            raise fault
        if chosen:
            chosen[0][0].settle(values)
        elif self.mandatory:
            namespace = self.nodes[0].module.namespace
            raise MissingChoice(
                f"must have {self._spelled()}", name=self.name, namespace=namespace, app_tag="missing-choice"
            )
        elif self.default is not None:
            self.default.settle(values)

    def _spelled(self) -> str:
        """Return the rule: the nodes of the cases."""
        cases = (" and ".join(node.name for node in case.nodes) for case in self.cases)
        return "one of " + " | ".join(cases)


Part = Node | Choice
"""What stands in a body or a case."""
