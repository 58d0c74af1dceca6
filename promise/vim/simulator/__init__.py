"""An OpenStack that speaks the real HTTP APIs, for demonstration, tests and load (design section 7)."""

from __future__ import annotations

from promise.vim.simulator.options import FlavorOption, ImageOption, NetworkOption, SimulatorOptions
from promise.vim.simulator.simulator import Simulator, run

__all__ = ["FlavorOption", "ImageOption", "NetworkOption", "Simulator", "SimulatorOptions", "run"]
