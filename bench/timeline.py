"""What the verbs of the timeline cost: `python bench/timeline.py --live 1000 10000 --variant arbitrary aligned`.

Prints the median and the ninth decile of the wall time of each call, its mean processor time, and a checksum over the
answers: equal workloads (see `timeline_workload`) have equal checksums on every machine. With --compare the same calls
are made on brute force (tests/oracle), which must give the same answers; ask for few reservations and calls then.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import statistics
import sys
import time
import zlib
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from timeline_workload import HOUR, NAMES, VARIANTS, Workload

from promise.capacity.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from timeline_workload import Capacity, Contribution, Stream

    from promise.capacity.timeline import Snapshot
    from promise.resources import Window

    Verbs = dict[str, Callable[..., object]]

METRICS = ("total", "reserved", "usage", "headroom")
CHANGES = frozenset({"admit", "release", "add", "remove", "modify"})
"""The verbs whose calls are always all made, as those after them count on it."""


def product(contributions: list[Contribution]) -> tuple[Verbs, Timeline]:
    """Return the verbs of the timeline."""
    timeline = Timeline.build(contributions)
    verbs: Verbs = {
        "check": timeline.fits,
        "minimum": timeline.available_during,
        "extremes": lambda window: told(timeline.over(window)),
        "shortfalls": timeline.shortfalls,
        "add": lambda window, request: timeline.add(window, reserved=request),
        "remove": lambda window, request: timeline.remove(window, reserved=request),
        "earliest": timeline.earliest,
        "hourly": lambda window: [(at, over.headroom) for at, over in timeline.series(window, resolution=HOUR)],
        "exact": lambda window: sum(1 for _ in timeline.series(window, metrics=["available"])),
    }
    return composed(verbs), timeline


def told(snapshot: Snapshot) -> dict[str, Capacity]:
    """Return the metrics of a snapshot."""
    return {name: getattr(snapshot, name) for name in METRICS}


def brute_force(contributions: list[Contribution]) -> Verbs:
    """Return the verbs of the oracle."""
    sys.path.append(str(Path(__file__).parent.parent / "tests"))
    naive = import_module("oracle.naive_timeline").NaiveTimeline()
    for window, amounts in contributions:
        naive.add(window, amounts)
    verbs: Verbs = {
        "check": lambda window, request: naive.fits(*window, request),
        "minimum": lambda window: naive.over(*window)["headroom"],
        "extremes": lambda window: {name: level for name, level in naive.over(*window).items() if name in METRICS},
        "shortfalls": lambda window, request: naive.shortfalls(*window, request),
        "add": lambda window, request: naive.add(window, {"reserved": request}),
        "remove": lambda window, request: naive.remove(window, {"reserved": request}),
        "earliest": lambda request, duration, start, latest, _: naive.earliest(request, duration, start, latest)[:1],
        "hourly": lambda window: [(at, over["headroom"]) for at, over in naive.buckets(*window, HOUR, NAMES)],
        "exact": lambda window: len(naive.series(*window, NAMES, ["available"])),
    }
    return composed(verbs)


def composed(verbs: Verbs) -> Verbs:
    """Return the verbs and what is made of them: admit, release what was admitted, modify."""
    check, add, remove = verbs["check"], verbs["add"], verbs["remove"]
    admitted: set[int] = set()

    def admit(window: Window, request: Capacity) -> object:
        fits = check(window, request)
        if fits:
            add(window, request)
            admitted.add(id(request))
        return fits

    def release(window: Window, request: Capacity) -> None:
        if id(request) in admitted:
            remove(window, request)

    def modify(window: Window, request: Capacity, later: Window) -> object:
        remove(window, request)
        fits = check(later, request)
        add(later if fits else window, request)
        return fits

    return verbs | {"admit": admit, "release": release, "modify": modify}


class Measured(NamedTuple):
    """Microseconds of wall time and of processor time, how many calls were made, and what they answered."""

    median: float
    p90: float
    processor: float
    calls: int
    answers: list[object]

    def checksum(self, calls: int) -> str:
        """Return that of the first answers."""
        return f"{zlib.crc32(json.dumps(self.answers[:calls], sort_keys=True).encode()):08x}"


def run(stream: Stream, verbs: Verbs, seconds: float) -> Measured:
    """Make the calls of a stream, or so many as the time allows."""
    call: Callable[..., object] = verbs[stream.verb]
    taken: list[int] = []
    answers: list[object] = []
    gc.collect()
    gc.disable()
    deadline, begun = time.perf_counter() + seconds, time.thread_time_ns()
    for arguments in stream.calls:
        before = time.perf_counter_ns()
        answer = call(*arguments)
        taken.append(time.perf_counter_ns() - before)
        answers.append(answer)
        if stream.verb not in CHANGES and time.perf_counter() > deadline:
            break
    processor = (time.thread_time_ns() - begun) / len(taken)
    gc.enable()
    taken.sort()
    median, p90 = statistics.median(taken), taken[len(taken) * 9 // 10]
    return Measured(median / 1e3, p90 / 1e3, processor / 1e3, len(taken), answers)


def resident() -> int:
    """Return the resident size in bytes."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()


def measure(variant: str, live: int, given: argparse.Namespace) -> bool:
    """Measure one workload and print its table; return whether brute force agreed, if it was asked."""
    work = Workload(variant, live)
    contributions = list(work.contributions())
    before, begun = resident(), time.perf_counter()
    verbs, timeline = product(contributions)
    loaded, size = time.perf_counter() - begun, (resident() - before) // live
    print(f"\n{variant}: {live} live, {len(timeline)} breakpoints, loaded in {loaded:.2f} s, {size} bytes each", end="")
    print(
        f", load {os.getloadavg()[0]:.1f}\n{'':<20}{'median us':>12}{'p90 us':>12}{'cpu us':>12}{'calls':>8}  checksum"
    )
    naive = brute_force(contributions) if given.compare else None
    agreed = True
    for stream in work.streams(given.count):
        found = run(stream, verbs, given.seconds)
        line = f"{stream.name:<20}{found.median:>12.1f}{found.p90:>12.1f}{found.processor:>12.1f}{found.calls:>8}"
        line += f"  {found.checksum(found.calls)}"
        if naive is not None:
            expected = run(stream, naive, given.seconds)
            calls = min(expected.calls, found.calls)
            same = expected.checksum(calls) == found.checksum(calls)
            agreed &= same
            line += f"  {'=' if same else 'DIFFERS FROM'} brute force ({expected.median:.0f} us, {calls} calls)"
        print(line, flush=True)
    return agreed


def main() -> int:
    """Measure the workloads that were asked for; 1 when brute force has other answers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--live", type=int, nargs="+", default=[1000, 10_000], help="reservations")
    parser.add_argument("--variant", nargs="+", default=list(VARIANTS), choices=VARIANTS)
    parser.add_argument("--count", type=int, default=2000, help="calls in a stream")
    parser.add_argument("--seconds", type=float, default=2.0, help="at most, for a stream of questions")
    parser.add_argument("--compare", action="store_true", help="ask brute force the same")
    given: Any = parser.parse_args()
    agreed = [measure(variant, live, given) for variant in given.variant for live in given.live]
    return 0 if all(agreed) else 1


if __name__ == "__main__":
    sys.exit(main())
