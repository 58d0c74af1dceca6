"""A real OpenStack on one machine, for the live tests: `python -m live.stack up|down|status|reset` in tests/.

All services of a small cloud from PyPI, without hypervisor, container or root's network: Nova with its fake virt
driver on two hosts in two zones, Neutron without agents, Cinder that stores nothing, Aodh with Ceilometer. Everything
listens on loopback, on ports of its own. README.md in this directory tells more.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from time import monotonic

from live import processes, services, settings
from live.layout import HERE, Layout

BEGAN = monotonic()


def say(text: str) -> None:
    """Tell what has been done, and when."""
    sys.stdout.write(f"[{monotonic() - BEGAN:6.1f} s] {text}\n")
    sys.stdout.flush()


def up(layout: Layout) -> None:
    """Bring the cloud up; what runs already is left alone."""
    install(layout)
    for place in (layout.etc, layout.data, layout.log, layout.run):
        place.mkdir(parents=True, exist_ok=True)
    settings.write(layout)
    services.start_database(layout)
    services.start_broker(layout)
    processes.listening(layout, "mariadb")
    services.make_schemas(layout)
    say("databases")
    services.start_keystone(layout)
    services.seed(layout, "identity")
    say("keystone")
    processes.listening(layout, "rabbit")
    services.start_others(layout)
    say("services")
    services.seed(layout, "rest")
    say(f"ready: export PROMISE_LIVE_CLOUDS={layout.clouds}")


def install(layout: Layout) -> None:
    """Make the virtual environment of OpenStack, which has nothing to do with Promise's."""
    for program, package in ((services.RABBIT, "rabbitmq-server"), (services.MARIADB, "mariadb-server")):
        if not Path(program).exists():
            raise processes.Broken(f"{program} is missing: apt-get install --no-install-recommends {package}")
    if Path(layout.program("nova-compute")).exists():
        return
    subprocess.run([sys.executable, "-m", "venv", layout.venv], check=True)
    pip: list[str | Path] = [
        layout.program("python"),
        "-m",
        "pip",
        "install",
        "--quiet",
        "-r",
        HERE / "requirements.txt",
    ]
    subprocess.run(pip, check=True)
    say("installed")


def down(layout: Layout) -> None:
    """End everything; the state stays for the next time."""
    names = processes.started(layout)
    last = [name for name in ("rabbit", "mariadb", "epmd") if name in names]
    processes.end(layout, [name for name in names if name not in last])
    for name in last:
        processes.end(layout, [name])
    say("down")


def status(layout: Layout) -> None:
    """Say what runs."""
    for name in processes.started(layout):
        pid = processes.pid_of(layout, name)
        sys.stdout.write(f"{name:32}{pid or 'dead'}\n")


def reset(layout: Layout) -> None:
    """End everything and forget it; the virtual environment stays."""
    down(layout)
    for place in (layout.etc, layout.data, layout.log, layout.run):
        shutil.rmtree(place, ignore_errors=True)


def main() -> int:
    """Do what the first argument says."""
    verbs = {"up": up, "down": down, "status": status, "reset": reset}
    if len(sys.argv) != 2 or sys.argv[1] not in verbs:
        sys.stderr.write(f"usage: stack.py {'|'.join(verbs)}\n")
        return os.EX_USAGE
    try:
        verbs[sys.argv[1]](Layout())
    except processes.Broken as broken:
        sys.stderr.write(f"{broken}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
