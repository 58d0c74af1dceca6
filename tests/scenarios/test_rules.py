"""Every rule has a story, and so has every reason of every RPC and every event (rules.toml, reasons.toml)."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from scenarios.runner.story import load
from scenarios.test_coverage import ALL, STORIES

from promise.northbound import bindings as yang

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
RULES: dict[str, dict[str, list[str]]] = tomllib.loads((HERE / "rules.toml").read_text(encoding="utf-8"))
REASONS: dict[str, list[str]] = tomllib.loads((HERE / "reasons.toml").read_text(encoding="utf-8"))
TOLD_ELSEWHERE = {"capacity-event threshold", "subscription-event lost", "subscription-event suspended",
                  "subscription-event resumed", "subscription-event ended"}  # fmt: skip
"""Events that depend on load, or on a receiver that is no session: tests/service tells of them."""


@pytest.mark.parametrize("section", list(RULES))
def test_every_rule_is_shown(section: str) -> None:
    known = {path.relative_to(HERE).with_suffix("").as_posix(): path for path in STORIES}
    for says, stories in RULES[section].items():
        assert says.endswith("."), says
        assert stories, f"no story shows: {says}"
        for name in stories:
            assert name in known, f"{says}: there is no story {name}"
            assert not load(known[name]).not_yet, f"{says}: {name} does not succeed yet"


def _reasons() -> dict[str, set[str]]:
    """Return the reasons that stories expect, per RPC; of several at once too."""
    found: dict[str, set[str]] = defaultdict(set)
    for each in ALL:
        said: Any = each.expect.get("reason") if isinstance(each.expect, dict) else None
        if isinstance(said, str):
            found[each.kind].add(said)
        if each.kind == "parallel":
            given = each.given[0] if isinstance(each.given, list) else each.given
            kind = next((name for name in given if name in yang.RPCS), "")
            found[kind] |= set(each.beside.get("outcomes") or ()) - {"ok"}
    return found


@pytest.mark.parametrize("rpc", list(yang.RPCS))
def test_every_reason_of_an_rpc_is_given(rpc: str) -> None:
    told = _reasons()[rpc] - {"absent", "present"}
    known = set(REASONS.get(rpc, ()))
    assert known - told == set(), f"no story in which {rpc} says so"
    assert told - known == set(), f"reasons.toml does not know that {rpc} says so"


def _events(said: Any) -> Iterator[str]:
    """Yield each event that is expected of a notification, with the notification's name."""
    for entry in said if isinstance(said, list) else []:
        for name, content in entry.items() if isinstance(entry, dict) else ():
            if isinstance(content, dict):
                yield from (f"{name} {content[leaf]}" for leaf in ("event", "cause") if leaf in content)


def test_every_event_is_told() -> None:
    told = {event for each in ALL if each.kind == "expect-notifications" for event in _events(each.given)}
    assert _modelled() - told <= TOLD_ELSEWHERE
    assert len(_modelled()) > 20


def _modelled() -> set[str]:
    """Return every event of every notification of the module, as the reference page has them."""
    page = (HERE.parents[1] / "docs" / "reference" / "events.md").read_text(encoding="utf-8")
    found, name = set(), ""
    for line in page.splitlines():
        if line.startswith("## "):
            name = line[3:]
        elif line.startswith("| `"):
            found.add(f"{name} {line.split('`')[1]}")
    return found
