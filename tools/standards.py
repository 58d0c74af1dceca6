"""The page of standards: each clause that is claimed beside the test that shows it, read from the marks on the tests.

A claim is `@pytest.mark.rfc(number, section, what)` on a test or on one of its cases, so there is none without a test.
What is left out, with the reason, and the titles stand in tests/interop/standards/standards.toml.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from marks import ROOT, marks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TITLES = ROOT / "tests" / "interop" / "standards" / "standards.toml"
ELSEWHERE = "-"
"""The table of what is left out whole."""


@dataclass(frozen=True)
class Claim:
    """One mark: what a clause demands, and the test that shows it."""

    rfc: str
    section: str
    what: str
    test: str
    file: Path


def claims() -> Iterator[Claim]:
    """Yield every mark of the tests; raises ValueError as `marks` does."""
    for mark in marks("rfc", "number, section, what", 3, 3):
        rfc, section, what = mark.said
        yield Claim(rfc, section, what, mark.test, mark.file)


def page(head: str) -> str:
    """Return the page; `head` is its first line.

    Raises:
        ValueError: a mark names a standard without title, a standard is neither shown nor left out, or nothing shows
            what a capability announces.
    """
    said = tomllib.loads(TITLES.read_text(encoding="utf-8"))
    capabilities = said.pop("capability")
    found = list(claims())
    if unknown := {claim.rfc for claim in found} - set(said):
        raise ValueError(f"{TITLES} has no title for RFC {', '.join(sorted(unknown))}")
    shown = {f"{claim.rfc} {claim.section}" for claim in found}
    if unshown := [uri for uri, clause in capabilities.items() if clause not in shown]:
        raise ValueError(f"nothing shows what these capabilities announce: {', '.join(unshown)}")
    lines = [
        head,
        "# Standards",
        "",
        "Each clause that Promise claims to keep, and the test that shows it; `make test` runs them all. The rows are",
        "the marks on the tests. What is left out stands below each table with the reason.",
        "",
    ]
    for rfc, about in said.items():
        rows = sorted({_row(claim) for claim in found if claim.rfc == rfc}, key=lambda row: (_order(row[0]), row[1:]))
        if not rows and "left-out" not in about:
            raise ValueError(f"nothing shows RFC {rfc}, and nothing of it is left out")
        lines += _section(rfc, about, rows)
    return "\n".join(lines)


def _section(rfc: str, about: dict[str, Any], rows: list[tuple[str, str, str]]) -> list[str]:
    lines = [f"## {about['title']}" if rfc == ELSEWHERE else f"## RFC {rfc}: {about['title']}", ""]
    if rows:
        lines += ["| section | what | shown by |", "| --- | --- | --- |"]
        lines += [f"| {section} | {what} | {test} |" for section, what, test in rows]
        lines.append("")
    if left_out := about.get("left-out"):
        lines += ["Left out:", "", "| section | what | because |", "| --- | --- | --- |"]
        lines += [f"| {section} | {what} | {reason} |" for section, what, reason in left_out]
        lines.append("")
    return lines


def _row(claim: Claim) -> tuple[str, str, str]:
    sentence = claim.test.removeprefix("test_").replace("_", " ")
    return claim.section, claim.what, f"[{sentence}](../../{claim.file.relative_to(ROOT).as_posix()})"


def _order(section: str) -> tuple[bool, list[int], str]:
    """Return what sorts sections as a document has them: numbers by value, appendices last."""
    return not section[0].isdigit(), [int(part) for part in re.findall(r"\d+", section)], section
