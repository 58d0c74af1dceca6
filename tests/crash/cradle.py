"""A program that has Promise imported, and forks a process for each command that it is asked to run.

The imports, and the YANG, are nine tenths of a start. What a killed server leaves behind and what its successor makes
of it is the same whether the successor was forked here or executed anew; most restarts are made here, some are not.

    python cradle.py FD      FD is one end of a stream socket pair; each message is one JSON object on a line
    {"run": [ARG, ...]}      with the file descriptor that becomes the standard error -> {"pid": PID}
    {"wait": PID}            for a process that was started so and is ending          -> {"status": EXIT STATUS}

It ends, and kills what it has started, when the other end of the socket is closed.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import traceback

import promise.app
import promise.vim.simulator.simulator  # noqa: F401 - imported for what is forked
from promise.cli import main
from promise.northbound.datastore import schema

LONGEST = 65536
BUG = 70
"""The exit status of a process that an exception has ended."""


def run(arguments: list[str], log: int, door: socket.socket) -> int:
    """Fork a process that runs a command of Promise; return its id."""
    process = os.fork()
    if process:
        return process
    door.close()
    os.dup2(log, 2)
    os.close(log)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    try:
        main(arguments, prog_name="promise")
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:  # noqa: BLE001 - the process ends here, and says why
        traceback.print_exc()
        code = BUG
    sys.stderr.flush()
    os._exit(code)


def serve(door: socket.socket) -> None:
    """Do what is asked until nobody is there any more."""
    schema()
    running: set[int] = set()
    while True:
        message, descriptors, _flags, _address = socket.recv_fds(door, LONGEST, 1)
        if not message:
            break
        asked = json.loads(message)
        if "run" in asked:
            process = run(asked["run"], descriptors[0], door)
            os.close(descriptors[0])
            running.add(process)
            answer = {"pid": process}
        else:
            _, status = os.waitpid(asked["wait"], 0)
            running.discard(asked["wait"])
            answer = {"status": os.waitstatus_to_exitcode(status)}
        door.sendall(json.dumps(answer).encode() + b"\n")
    for process in running:
        os.kill(process, signal.SIGKILL)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
