"""Run nova-compute with our driver, which Nova only looks for among its own. Runs in OpenStack's environment."""

from __future__ import annotations

import sys
from pathlib import Path

import nova.virt  # type: ignore[import-not-found]
from nova.cmd.compute import main  # type: ignore[import-not-found]

if __name__ == "__main__":
    nova.virt.__path__.append(str(Path(__file__).parent / "plugins"))
    sys.exit(main())
