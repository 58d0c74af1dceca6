"""`make histories`: thousands of long random histories on all cores; says how far it is, and how to replay what failed.

PROMISE_SEED is the first seed (1), PROMISE_HISTORIES how many follow (2000), PROMISE_STEPS how long each is (200),
PROMISE_JOBS how many run at a time (one on each core). With a single history, a failure is shrunk to the fewest calls
that show it.
"""

from __future__ import annotations

import os
import sys
import time
from functools import partial
from multiprocessing import get_context
from typing import NamedTuple

import structlog
from oracle.model_history import history
from oracle.model_play import play, shrink, told
from oracle.model_weather import Weather
from oracle.still_loop import run

TASKS = 25
"""Histories after which a process makes place for a fresh one: what controllers froze in memory goes with it."""

TOLD_EVERY = 20
"""Histories between two lines that say how far it is."""


class Played(NamedTuple):
    """How a history went: its steps, the CPU seconds they took, and what went wrong, empty where nothing did."""

    seed: int
    steps: int
    seconds: float
    failure: str


def silent() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))


def played(seed: int, *, steps: int, shrunk: bool = False) -> Played:
    begun = time.process_time()
    outcome = run(play(seed, steps, history, Weather))
    seconds = time.process_time() - begun
    if outcome.failure is None:
        return Played(seed, len(outcome.calls), seconds, "")
    if shrunk:
        return Played(seed, len(outcome.calls), seconds, told(seed, run(shrink(seed, outcome, history))))
    last = outcome.calls[-1]
    text = f"at {last.operation} {last.query}\n{type(outcome.failure).__name__}: {outcome.failure}"
    return Played(seed, len(outcome.calls), seconds, text)


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def number(name: str, usual: int) -> int:
    return int(os.environ.get(name, str(usual)))


def main() -> int:
    first, count, steps = number("PROMISE_SEED", 1), number("PROMISE_HISTORIES", 2000), number("PROMISE_STEPS", 200)
    jobs = min(count, number("PROMISE_JOBS", os.cpu_count() or 1))
    if count == 1:
        silent()
        one = played(first, steps=steps, shrunk=True)
        say(one.failure or f"seed {first}: {one.steps} steps, nothing wrong")
        return 1 if one.failure else 0
    say(f"{count} histories of {steps} steps from seed {first} on, {jobs} at a time")
    begun, done, failed = time.monotonic(), [], []
    with get_context("spawn").Pool(jobs, silent, maxtasksperchild=TASKS) as workers:
        for one in workers.imap_unordered(partial(played, steps=steps), range(first, first + count)):
            done.append(one)
            if one.failure:
                failed.append(one.seed)
                say(f"FAILED seed {one.seed} {one.failure}")
                say(f"  again: PROMISE_SEED={one.seed} PROMISE_HISTORIES=1 PROMISE_STEPS={steps} make histories")
            if len(done) % TOLD_EVERY == 0 or len(done) == count:
                say(progress(done, count, failed, time.monotonic() - begun))
    return 1 if failed else 0


def progress(done: list[Played], count: int, failed: list[int], seconds: float) -> str:
    steps, cpu = sum(one.steps for one in done), sum(one.seconds for one in done)
    rate = f"{steps / seconds:.0f} steps/s, {1000 * cpu / steps:.1f} ms of CPU each"
    left = f", about {seconds / len(done) * (count - len(done)) / 60:.0f} min to go" if len(done) < count else ""
    bad = f"failed: {', '.join(map(str, failed))}" if failed else "none failed"
    return f"{len(done)}/{count} histories, {steps} steps in {seconds:.0f} s ({rate}), {bad}{left}"


if __name__ == "__main__":
    sys.exit(main())
