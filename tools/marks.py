"""The marks on the tests that the reference pages are written from."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Mark:
    """What a mark says, the test that it stands on, and where that is."""

    said: tuple[str, ...]
    test: str
    file: Path


def marks(name: str, says: str, least: int, most: int | None = None, folder: Path = ROOT / "tests") -> Iterator[Mark]:
    """Yield every mark of that name on the tests below a folder, and on their cases.

    Raises:
        ValueError: a mark is not of `least` to `most` strings, or stands on something that pytest does not run; `says`
            tells what it should say.
    """
    for file in sorted(folder.rglob("test_*.py")):
        source = file.read_text(encoding="utf-8")
        if f".{name}(" not in source:
            continue
        for node in ast.walk(ast.parse(source)):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for call in _calls(node, f"pytest.mark.{name}"):
                said = tuple(ast.literal_eval(argument) for argument in call.args)
                fits = least <= len(said) <= (most or len(said)) and all(isinstance(one, str) for one in said)
                if not node.name.startswith("test_") or not fits:
                    raise ValueError(f"{file}:{call.lineno}: {name}({says}) marks a test, in strings")
                yield Mark(said, node.name, file)


def _calls(node: ast.FunctionDef | ast.AsyncFunctionDef, function: str) -> Iterator[ast.Call]:
    for inside in (each for decorator in node.decorator_list for each in ast.walk(decorator)):
        if isinstance(inside, ast.Call) and ast.unparse(inside.func) == function:
            yield inside
