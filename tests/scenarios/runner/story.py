"""A story as its file tells it: what is there at T0, and the steps. Anything that would be ignored is an error."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from scenarios.runner.reading import read
from scenarios.runner.words import StoryError

from promise.northbound import bindings as yang

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

OWN_STEPS: Final = frozenset(
    {
        "get",
        "get-config",
        "raw",
        "advance",
        "restart",
        "parallel",
        "pipeline",
        "settle",
        "cloud",
        "check",
        "subscribe",
        "expect-notifications",
    }
)
"""The steps that are no RPC of the modules."""

BESIDE: Final = frozenset({"expect", "as", "body", "at", "unsettled", "outcomes", "times", "note"})
"""What may stand beside the kind of a step."""

_HEAD: Final = frozenset({"story", "design", "clouds", "pools", "policy", "config", "steps", "not-yet", "may-overdraw"})


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its kind, what is given to it, and what is expected; `place` says where it stands ("3", "4.2")."""

    place: str
    kind: str
    given: Any
    expect: Any = None
    user: str = "admin"
    beside: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_rpc(self) -> bool:
        """Tell whether it is an RPC of the modules."""
        return self.kind in yang.RPCS


@dataclass(frozen=True, slots=True)
class Story:
    """What is there at T0 (`clouds`, `pools`, `policy`), and the steps.

    `design` names the sentences of the design that it tells of. `not_yet` says why it cannot succeed yet: it is then
    expected to fail. `may_overdraw` says why capacity may be overdrawn at its end.
    """

    sentence: str
    design: tuple[str, ...]
    clouds: Mapping[str, Mapping[str, Any]]
    pools: Sequence[Mapping[str, Any]]
    policy: Mapping[str, Any]
    config: Mapping[str, Any]
    steps: tuple[Step, ...]
    not_yet: str
    may_overdraw: str


def load(path: Path) -> Story:
    """Return the story of a file; StoryError says what is wrong with it."""
    told = read(path)
    if not isinstance(told, dict):
        raise StoryError("a story is a mapping")
    _only(told, _HEAD, "a story")
    for needed in ("story", "design", "steps"):
        if not told.get(needed):
            raise StoryError(f"a story says its {needed}")
    design = told["design"]
    return Story(
        sentence=told["story"],
        design=tuple(design) if isinstance(design, list) else (design,),
        clouds=told.get("clouds", {"cloud": {}}) or {},
        pools=told.get("pools", []),
        policy=told.get("policy", {}),
        config=told.get("config", {}),
        steps=tuple(step(given, str(number)) for number, given in enumerate(told["steps"], 1)),
        not_yet=told.get("not-yet", ""),
        may_overdraw=told.get("may-overdraw", ""),
    )


def step(given: Any, place: str) -> Step:
    """Return one step of a story."""
    if not isinstance(given, dict):
        raise StoryError(f"step {place} is no mapping")
    kinds = [key for key in given if key in OWN_STEPS or key in yang.RPCS]
    if len(kinds) != 1:
        raise StoryError(f"step {place} must do one thing; it has {', '.join(map(str, given)) or 'nothing'}")
    _only(given, BESIDE | {kinds[0]}, f"step {place}")
    beside = {key: value for key, value in given.items() if key in BESIDE}
    return Step(place, kinds[0], given[kinds[0]], given.get("expect"), given.get("as", "admin"), beside)


def _only(given: Mapping[str, Any], known: frozenset[str], what: str) -> None:
    if strange := [str(key) for key in given if key not in known]:
        raise StoryError(f"{what} has no {', '.join(strange)}; it may have {', '.join(sorted(known))}")
