"""yanglint as the judge of what was said (`evidence`): many documents of one kind at a time, so that it is quick."""

from __future__ import annotations

import re
import shutil
import subprocess
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from promise.northbound.library.modules import library

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evidence import Document

YANGLINT = shutil.which("yanglint")
YANG = Path(__file__).parents[1] / "yang"
RESTCONF = Path(__file__).parent / "yang" / "restconf-envelope.yang"
ENVELOPES = {"netconf": RESTCONF.with_name("netconf-envelope.yang"), "restconf": RESTCONF, "root": RESTCONF}
MANY = 200
"""Documents that one process reads."""

IGNORED = re.compile(
    "required instance not found|no target instance"  # it does not have our datastores
    "|is missing its key"  # a subtree filter shows what it selects and no more (RFC 6241 section 6.2.5)
    '|no target instance "/sn:filters'  # what a notification refers to stands in a datastore
    "|value - semantic error"  # the key of an entry in the path of an access rule is compared, but never read
)


def judge(documents: Iterable[Document], folder: Path) -> list[str]:
    """Return what yanglint says against the documents; nothing where it is not installed."""
    if YANGLINT is None:
        return []
    found = []
    ordered = sorted(documents, key=lambda each: (each.kind, each.form))
    for (kind, form), alike in groupby(ordered, key=lambda each: (each.kind, each.form)):
        files = []
        for number, document in enumerate(alike):
            file = folder / f"{kind}-{number}.{form}"
            file.write_bytes(document.text)
            files.append(file)
        for at in range(0, len(files), MANY):
            found += _complaints(kind, files[at : at + MANY])
    return found


def _complaints(kind: str, files: list[Path]) -> list[str]:
    """Have some files judged; after one that is wrong, the others are."""
    found = []
    while files:
        done = subprocess.run([*command(kind), *files], check=False, capture_output=True, text=True)
        if done.returncode == 0:
            break
        wrong = next((at for at, file in enumerate(files) if f'"{file}"' in done.stderr), 0)
        if not IGNORED.search(done.stderr):
            found.append(f"{kind}: {done.stderr}\n{files[wrong].read_text()[:3000]}")
        files = files[wrong + 1 :]
    return found


def command(kind: str) -> list[str | Path]:
    """Return how yanglint is asked about documents of a kind, with the modules that the server implements."""
    modules = [next(YANG.rglob(f"{module.name}.yang")) for module in library().implemented]
    asked: list[str | Path] = [str(YANGLINT), "-p", YANG, "-p", YANG / "ietf", "-t"]
    if kind == "netconf":
        return [*asked, "data", ENVELOPES[kind]]
    if kind in ENVELOPES:  # a part of the root is no whole one
        return [*asked, "get" if kind == "root" else "data", "-e", *modules, ENVELOPES[kind]]
    return [*asked, kind, *modules]
