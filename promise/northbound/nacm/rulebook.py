"""The access rules as configured, read from the container `nacm` (RFC 8341 section 3.5.2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from promise.errors import BadValue
from promise.northbound.nacm.path import read_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promise.northbound.nacm.path import Step

EVERYONE: Final = "*"
"""The group of a rule-list that is for every user."""


class Access(StrEnum):
    """What somebody wants to do (RFC 8341 section 3.2)."""

    CREATE = "create"
    READ = "read"
    UPDATE = "update"
    DELETE = "delete"
    EXECUTE = "exec"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; a rule with neither rpc, notification nor path is for everything in its module.

    `module` is "*" for every module, `rpc` and `notification` are "*" for all of theirs. `within` is its rule-list.
    """

    name: str
    permits: bool
    module: str = "*"
    access: frozenset[Access] = frozenset(Access)
    rpc: str | None = None
    notification: str | None = None
    path: tuple[Step, ...] | None = None
    within: str = ""

    @property
    def place(self) -> str:
        """Return its name behind that of its list."""
        return f"{self.within}/{self.name}"

    @property
    def general(self) -> bool:
        """Tell whether it is about everything in its module."""
        return self.rpc is None and self.notification is None and self.path is None

    def covers(self, module: str) -> bool:
        """Tell whether it is about this module."""
        return self.module in ("*", module)


@dataclass(frozen=True, slots=True)
class RuleList:
    """Rules for some groups, in order."""

    groups: frozenset[str]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Rulebook:
    """All that is configured; the defaults are those of the YANG. `members` has the groups of each user."""

    enabled: bool = True
    reads: bool = True
    writes: bool = False
    executes: bool = True
    external_groups: bool = True
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    lists: tuple[RuleList, ...] = ()

    @classmethod
    def of(cls, nacm: Mapping[str, Any], prefixes: Mapping[str, str]) -> Rulebook:
        """Read the container as RFC 7951 writes it; raises BadValue with the path of what cannot be read."""
        members: dict[str, frozenset[str]] = {}
        for group in nacm.get("groups", {}).get("group", ()):
            for user in group.get("user-name", ()):
                members[user] = members.get(user, frozenset()) | {group["name"]}
        lists = tuple(
            RuleList(
                frozenset(found.get("group", ())),
                tuple(_rule(rule, found["name"], prefixes) for rule in found.get("rule", ())),
            )
            for found in nacm.get("rule-list", ())
        )
        return cls(
            enabled=nacm.get("enable-nacm", True),
            reads=nacm.get("read-default", "permit") == "permit",
            writes=nacm.get("write-default", "deny") == "permit",
            executes=nacm.get("exec-default", "permit") == "permit",
            external_groups=nacm.get("enable-external-groups", True),
            members=members,
            lists=lists,
        )

    def groups_of(self, user: str, external: frozenset[str]) -> frozenset[str]:
        """Return all groups of a user: those of the rules, and those that he comes with, if these count."""
        return self.members.get(user, frozenset()) | (external if self.external_groups else frozenset())

    def rules_for(self, user: str, external: frozenset[str]) -> tuple[Rule, ...]:
        """Return the rules for a user, in order; none for one without groups (section 3.4.4, steps 4 to 6)."""
        groups = self.groups_of(user, external)
        if not groups:
            return ()
        meant = groups | {EVERYONE}
        return tuple(rule for found in self.lists if found.groups & meant for rule in found.rules)


def _rule(said: Mapping[str, Any], where: str, prefixes: Mapping[str, str]) -> Rule:
    path = said.get("path")
    try:
        steps = None if path is None else read_path(path, prefixes)
    except BadValue as error:
        at = f"/nacm:nacm/nacm:rule-list[nacm:name='{where}']/nacm:rule[nacm:name='{said['name']}']/nacm:path"
        raise BadValue(error.rule, path=at, name="path") from None
    allowed = said.get("access-operations", "*")
    return Rule(
        name=said["name"],
        permits=said["action"] == "permit",
        module=said.get("module-name", "*"),
        access=frozenset(Access) if allowed == "*" else frozenset(map(Access, allowed.split())),
        rpc=said.get("rpc-name"),
        notification=said.get("notification-name"),
        path=steps,
        within=where,
    )
