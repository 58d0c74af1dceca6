"""The benchmark of the timeline runs, and brute force has the same answers to all of its calls."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parents[3] / "bench" / "timeline.py"


def test_every_stream_of_the_benchmark_agrees_with_brute_force() -> None:
    command = [sys.executable, str(BENCH), "--live", "12", "--count", "4", "--compare", "--seconds", "60"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    assert found.stdout.count("= brute force") == 5 * 23
