"""Promise: a capacity and reservation controller between NFV orchestrators and OpenStack clouds."""

__version__ = "0.1.0"
