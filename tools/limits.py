"""The page of limits: each attack beside what stops it, the key that says how much, and the test that shows it.

A row is `@pytest.mark.limit(attack, stops, *keys)` on a test, so there is none without a test; a key is one of
promise.toml, written "table.key", and its default is read from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from marks import ROOT, marks

from promise.config import Config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydantic import BaseModel


@dataclass(frozen=True)
class Limit:
    """One mark, and the test that it stands on."""

    attack: str
    stops: str
    keys: tuple[str, ...]
    test: str
    file: Path


def limits() -> Iterator[Limit]:
    """Yield every mark of the tests; raises ValueError as `marks` does."""
    for mark in marks("limit", "attack, stops, *keys", 2):
        attack, stops, *keys = mark.said
        yield Limit(attack, stops, tuple(keys), mark.test, mark.file)


def page(head: str) -> str:
    """Return the page; `head` is its first line. Raises ValueError for a key that the configuration does not have."""
    lines = [
        head,
        "# Limits",
        "",
        "What strangers and users might do to hold the controller up, what stops it, and the test that shows it;",
        "`make test` runs them all. The rows are the marks on the tests. The keys are those of",
        "[promise.toml](configuration.md), here with their defaults; what has no key is always so.",
        "",
        "| attack | what stops it | key and default | shown by |",
        "| --- | --- | --- | --- |",
    ]
    lines += sorted({_row(limit) for limit in limits()})
    return "\n".join(lines) + "\n"


def _row(limit: Limit) -> str:
    keys = "<br>".join(f"`{key} = {_default(key)}`" for key in limit.keys)
    sentence = limit.test.removeprefix("test_").replace("_", " ")
    shown = f"[{sentence}](../../{limit.file.relative_to(ROOT).as_posix()})"
    return f"| {limit.attack} | {limit.stops} | {keys} | {shown} |"


def _default(key: str) -> str:
    """Return the default of a key as TOML writes it."""
    model: type[BaseModel] = Config
    *tables, name = key.split(".")
    for table in tables:
        found: Any = model.model_fields.get(table)
        if found is None:
            raise ValueError(f"promise.toml has no table {table}, which a mark names: {key}")
        model = found.annotation
    if name not in model.model_fields:
        raise ValueError(f"promise.toml has no key {key}, which a mark names")
    return str(model.model_fields[name].default)
