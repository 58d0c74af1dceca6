"""Starting, watching and ending the processes of the test cloud, each by its pid and the moment it was born."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from live.layout import Layout

PATIENCE = 300.0


class Broken(Exception):
    """The test cloud does not come up; the message says where to look."""


def start(layout: Layout, name: str, command: Sequence[str], extra: Mapping[str, str] | None = None) -> None:
    """Start a process as the leader of its own session, unless it is running already."""
    if pid_of(layout, name) is not None:
        return
    with (layout.log / f"{name}.out").open("ab") as out:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env={**layout.environment(), **(extra or {})},
            cwd=layout.home,
            start_new_session=True,
        )
    (layout.run / f"{name}.pid").write_text(f"{process.pid} {_born(process.pid)}")


def run(layout: Layout, name: str, command: Sequence[str]) -> None:
    """Run a command to its end; its output goes to the log."""
    with (layout.log / f"{name}.out").open("ab") as out:
        done = subprocess.run(command, stdout=out, stderr=out, env=layout.environment(), cwd=layout.home, check=False)
    if done.returncode:
        raise Broken(f"{name} failed ({done.returncode}): see {layout.log}/{name}.out")


def once(layout: Layout, name: str, command: Sequence[str]) -> None:
    """Run a command that must not run again once it has succeeded."""
    mark = layout.data / f"done-{name}"
    if not mark.exists():
        run(layout, name, command)
        mark.touch()


def started(layout: Layout) -> list[str]:
    """Return the names of what was started, whether it lives or not."""
    return sorted(path.stem for path in layout.run.glob("*.pid"))


def pid_of(layout: Layout, name: str) -> int | None:
    """Return the pid of what was started under this name, None when it is not running any more."""
    try:
        pid, born = (layout.run / f"{name}.pid").read_text().split()
    except (FileNotFoundError, ValueError):
        return None
    return int(pid) if _born(int(pid)) == born else None


def end(layout: Layout, names: Iterable[str]) -> None:
    """End these processes, and what they have started: first politely."""
    doomed = {name: pid for name in names if (pid := pid_of(layout, name)) is not None}
    for kind, seconds in ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0)):
        for name, pid in doomed.items():
            if pid_of(layout, name) is not None:
                os.killpg(pid, kind)
        until(
            lambda: all(pid_of(layout, name) is None for name in doomed), "the end of processes", seconds, fatal=False
        )
    for name in names:
        (layout.run / f"{name}.pid").unlink(missing_ok=True)


def until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE, *, fatal: bool = True) -> None:
    """Wait for a condition."""
    deadline = monotonic() + seconds
    while not condition():
        if monotonic() > deadline:
            if fatal:
                raise Broken(f"gave up after {seconds:g} s: {what}")
            return
        sleep(0.2)


def listening(layout: Layout, *names: str) -> None:
    """Wait until these services take connections; give up at once when their process has died."""
    for name in names:

        def ready(name: str = name) -> bool:
            if name in started(layout) and pid_of(layout, name) is None:
                raise Broken(f"{name} died: see {layout.log}/{name}.out")
            with socket.socket() as probe:
                probe.settimeout(1)
                return probe.connect_ex(("127.0.0.1", layout.port(name))) == 0

        until(ready, f"{name} does not listen; see {layout.log}/{name}.out")


def _born(pid: int) -> str | None:
    """Return when a process was born, in the kernel's count; None when there is none, or only its remains."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else fields[19]
