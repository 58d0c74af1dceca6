"""Every RPC, every reason and every node of an input is told of by a story."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from scenarios.runner.messages import children
from scenarios.runner.story import load, step

from promise.northbound import bindings as yang

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenarios.runner.story import Step

HERE = Path(__file__).parent
STORIES = sorted(HERE.rglob("*.yaml"))
MODULE = HERE.parents[1] / "yang" / "opnfv-promise.yang"


def steps_of(path: Path) -> Iterator[Step]:
    """Yield every step of a story, those in steps that have several too."""
    for each in load(path).steps:
        yield each
        if each.kind in {"parallel", "pipeline"}:
            inner = each.given if isinstance(each.given, list) else [each.given]
            yield from (step(given, each.place) for given in inner)


ALL = [each for path in STORIES for each in steps_of(path)]


def given_in(body: type, said: Any, path: str) -> Iterator[str]:
    """Yield the paths of the nodes that an input has."""
    for entry in said if isinstance(said, list) else [said]:
        for name, value in (entry or {}).items():
            yield f"{path}/{name}"
            inner = children(body).get(name)
            if inner is not None:
                yield from given_in(inner, value, f"{path}/{name}")


def nodes_of(body: type, path: str) -> Iterator[str]:
    """Yield the paths of the leaves of an input; a capacity is one of them."""
    for name, inner in children(body).items():
        if inner is None or inner is yang.Capacity:
            yield f"{path}/{name}"
        else:
            yield from nodes_of(inner, f"{path}/{name}")


def test_every_rpc_is_asked() -> None:
    assert set(yang.RPCS) <= {each.kind for each in ALL}


def test_every_reason_is_given() -> None:
    reasons = set(re.findall(r"identity ([a-z-]+) \{\s+base reason;", MODULE.read_text(encoding="utf-8")))
    told = {str(each.expect["reason"]) for each in ALL if isinstance(each.expect, dict) and "reason" in each.expect}
    told |= {outcome for each in ALL for outcome in each.beside.get("outcomes") or ()}
    assert len(reasons) > 30
    assert reasons <= told


@pytest.mark.parametrize("name", list(yang.RPCS))
def test_every_node_of_an_input_is_given(name: str) -> None:
    body = yang.RPCS[name].input
    given = {path for each in ALL if each.kind == name for path in given_in(body, each.given, name)}
    missing = [path for path in nodes_of(body, name) if path not in given]
    assert missing == []


def test_every_story_names_the_design() -> None:
    assert len(STORIES) > 300
    for path in STORIES:
        assert re.fullmatch(r"[a-z0-9-]+", path.stem), f"{path.name} is no sentence in lower case"
        assert load(path).sentence.endswith("."), f"{path.name}: a sentence ends with a full stop"
