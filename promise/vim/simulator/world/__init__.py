"""The cloud as values: what it holds and how that changes; no I/O, no clock, every moment is passed in."""
