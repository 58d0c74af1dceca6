"""The bindings on the examples that stand beside the contract: every one has the verdict that is written there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from oracle import yang_judges
from oracle.yang_model import ROOT, Side, ours

from promise import errors

EXAMPLES = sorted((ROOT / "tests" / "house" / "examples").glob("*.json"))

MEANT: dict[str, tuple[type[errors.Invalid], ...]] = {
    "unknown": (errors.UnknownElement, errors.UnknownNamespace),
    "value": (errors.BadValue,),
    "moment": (errors.BadValue,),
    "missing": (errors.MissingElement,),
    "choice": (errors.MissingChoice,),
    "cases": (errors.DuplicateNode,),
    "duplicate": (errors.DuplicateNode,),
    "count": (errors.MustViolation, errors.MissingChoice),  # an empty array is no array: nothing was chosen
    "must": (errors.MustViolation,),
}
"""What the words of the examples are for us."""


def cases(kind: str) -> list[Any]:
    sides = {(side.operation, side.side): side for side in ours().sides()}
    found = []
    for path in EXAMPLES:
        for name, table in json.loads(Path(path).read_text()).items():
            for title, entry in table[kind].items():
                identity = f"{path.stem}-{name}-{title}"
                found.append(pytest.param(sides[path.stem, name], entry, id=identity))
    return found


@pytest.mark.parametrize(("side", "document"), cases("good"))
def test_valid(side: Side, document: dict[str, Any]) -> None:
    value = side.decode_json(document)
    assert side.decode_json(side.encode_json(value)) == value
    assert yang_judges.yangson_json(ours(), side, document) == side.encode_json(value)


@pytest.mark.parametrize(("side", "entry"), cases("bad"))
def test_invalid(side: Side, entry: dict[str, Any]) -> None:
    with pytest.raises(MEANT[entry["error"]]) as caught:
        side.decode_json(entry["document"])
    assert caught.value.path.startswith(f"/promise:{side.operation}")
