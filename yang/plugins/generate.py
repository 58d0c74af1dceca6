"""Regenerates promise/northbound/bindings from the YANG modules; with --check, only tells whether they still agree.

Beside the bindings of Python there is openapi.json, which describes the same over RESTCONF.

Run `python yang/plugins/generate.py` to write the bindings; with --check it writes nothing, and exits with 1 and a
summary when the committed bindings are not those of the modules.
"""

from __future__ import annotations

import argparse
import difflib
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

_PLUGINS: Final = Path(__file__).resolve().parent
_YANG: Final = _PLUGINS.parent
_BINDINGS: Final = _YANG.parent / "promise" / "northbound" / "bindings"
_MODULES: Final = ("opnfv-promise.yang",)
_OPENAPI: Final = "openapi.json"
_SHOWN: Final = 40
"""So many lines of a difference are shown for each file."""


def pyang_plugin_init() -> None:
    """Register nothing: pyang takes every file of a plugin directory for a plugin."""


def main() -> int:
    """Run what the command line asks for; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with what is committed, write nothing")
    return check() if parser.parse_args().check else generate(_BINDINGS)


def generate(directory: Path) -> int:
    """Write the bindings into the directory; return pyang's exit status."""
    directory.mkdir(parents=True, exist_ok=True)
    written = ("-f", "promise-bindings", "--bindings-dir", str(directory))
    described = ("-f", "promise-openapi", "-o", str(directory / _OPENAPI))
    return _pyang(*written) or _pyang(*described)


def _pyang(*arguments: str) -> int:
    """Run pyang with our plugins on our modules; return its exit status."""
    command = [sys.executable, "-m", "pyang", "--strict", "--plugindir", str(_PLUGINS), *arguments]
    command += ["-p", f"{_YANG}:{_YANG / 'ietf'}", *(str(_YANG / name) for name in _MODULES)]
    return subprocess.run(command, check=False).returncode  # noqa: S603 - our own arguments


def check() -> int:
    """Return 0 when the committed bindings are those of the modules, else 1 after a summary."""
    with tempfile.TemporaryDirectory() as directory:
        status = generate(Path(directory))
        if status:
            return status
        names = {path.name for place in (_BINDINGS, Path(directory)) for path in place.glob("*.*")}
        stale = [name for name in sorted(names) if _differs(name, Path(directory))]
    if stale:
        print(f"{', '.join(stale)}: not what yang/ says; run `make bindings`", file=sys.stderr)
    return 1 if stale else 0


def _differs(name: str, directory: Path) -> bool:
    """Tell whether a file differs, and show how."""
    old, new = (place / name for place in (_BINDINGS, directory))
    lines = [path.read_text(encoding="utf-8").splitlines() if path.exists() else [] for path in (old, new)]
    labels = f"committed/{name}", f"generated/{name}"
    difference = list(difflib.unified_diff(lines[0], lines[1], *labels, lineterm="", n=1))
    if difference:
        print("\n".join(difference[:_SHOWN]), file=sys.stderr)
    if len(difference) > _SHOWN:
        print(f"... and {len(difference) - _SHOWN} lines more", file=sys.stderr)
    return bool(difference)


if __name__ == "__main__":
    raise SystemExit(main())
