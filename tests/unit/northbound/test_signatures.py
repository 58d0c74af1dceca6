"""The recipe of the how-to guide accepts what we sign, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from promise.clock import SystemClock
from promise.northbound.events.post import signature

GUIDE = Path(__file__).parents[3] / "docs" / "how-to" / "subscribe.md"
BODY = '{"ietf-restconf:notification":{"ä":1}}'.encode()


@pytest.fixture(scope="module")
def recipe() -> Any:
    (found,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(found, names)  # noqa: S102 - our own page
    return names["genuine"]


def test_the_recipe_of_the_guide_accepts_what_we_sign(recipe: Any) -> None:
    now = SystemClock().now()
    signed = signature("a long key", now, BODY)
    assert recipe("a long key", signed, BODY)
    assert not recipe("another key", signed, BODY)
    assert not recipe("a long key", signed, BODY + b" ")
    assert not recipe("a long key", signed.replace(f"t={now}", f"t={now + 1}"), BODY)
    assert not recipe("a long key", signature("a long key", now - 301, BODY), BODY)
