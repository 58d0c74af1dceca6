"""Generates pyangbind classes for consumers: `generate_pyangbind.py DIRECTORY` writes the package `promise_yang` there.

One module for each container, so that `from promise_yang.opnfv_promise_rpc.create_reservation import input` loads what
it needs and no more. The classes are for building and reading messages, not for judging them: pyangbind checks neither
`mandatory` nor `must`, `when` or choices, and writes 64-bit numbers of derived types as JSON numbers, which RFC 7951
does not allow: send its XML.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

_YANG: Final = Path(__file__).resolve().parent.parent


def pyang_plugin_init() -> None:
    """Register nothing: pyang takes every file of a plugin directory for a plugin."""


def generate(directory: Path) -> int:
    """Write the package into the directory, in the place of an older one; return pyang's exit status."""
    package = directory / "promise_yang"
    shutil.rmtree(package, ignore_errors=True)
    package.mkdir(parents=True)
    found = find_spec("pyangbind")
    if found is None or found.origin is None:
        print("pyangbind is not installed: pip install 'promise[consumer]'", file=sys.stderr)
        return 1
    plugin = Path(found.origin).parent / "plugin"
    options = ["--build-rpcs", "--build-notifications", "--split-class-dir", str(package)]
    command = [sys.executable, "-m", "pyang", "--plugindir", str(plugin), "-f", "pybind", *options]
    command += ["-p", f"{_YANG}:{_YANG / 'ietf'}", str(_YANG / "opnfv-promise.yang")]
    return subprocess.run(command, check=False).returncode  # noqa: S603 - our own arguments


def main() -> int:
    """Run with the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, help="where the package promise_yang is written")
    return generate(parser.parse_args().directory)


if __name__ == "__main__":
    raise SystemExit(main())
