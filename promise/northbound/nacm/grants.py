"""Whose records somebody sees and changes beside his own: by the grants of the configuration, and as an operator; pure.

A grant is an entry of `/opnfv-promise:promise/grants`: groups, the projects whose records they get at (none = those of
everybody), and whether they may only read them. Rules (RFC 8341) can take away from that, and never add to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from promise.actor import EVERYBODY, NOBODY, Reach

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

GRANTS: Final = "opnfv-promise:promise/grants"
"""The section of the grants."""


class Standing(NamedTuple):
    """What somebody's groups let him get at; see `actor.Actor`."""

    operator: bool = False
    reads: Reach = NOBODY
    writes: Reach = NOBODY


def standing(grants: Sequence[Mapping[str, Any]], groups: frozenset[str], *, operator: bool) -> Standing:
    """Return what groups let somebody get at, by all grants together."""
    mine = [grant for grant in grants if not groups.isdisjoint(grant["group"])]
    return Standing(
        operator,
        _reach(grant for grant in mine if grant["access"] == "read"),
        _reach(grant for grant in mine if grant["access"] == "write"),
    )


def _reach(grants: Iterable[Mapping[str, Any]]) -> Reach:
    projects: set[str] = set()
    for grant in grants:
        if not grant.get("project"):
            return EVERYBODY
        projects.update(grant["project"])
    return Reach(projects=frozenset(projects)) if projects else NOBODY
