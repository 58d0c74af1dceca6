"""The composition root: builds every room, hands each what it needs of the others, and keeps them running.

building     in which order everything is made
clouds       drivers of providers, from the configuration and the ledger
doors        the NETCONF and RESTCONF servers, from the configuration
users        who is configured in the file
controller   what was built, running
"""

from promise.app.building import build
from promise.app.controller import App
from promise.app.doors import CAPABILITIES

__all__ = ["CAPABILITIES", "App", "build"]
