"""OpenStack behind `vim.port.Cloud`: the only room that imports openstacksdk.

flavors servers quotas inventory    pure: JSON of the services <-> values of ours
failures                            what a failed exchange means, and what is certain then
wires                               connections with time-outs, that can be cut
session                             one exchange at a time: sign-in, catalog, request (blocking)
calls                               the same from asyncio: threads, retries of reads, pages, time-outs
placement groups discovery
volumes addresses cloud             the questions that are asked, and the driver that asks them
tokens                              what other people's tokens are worth, for the doors
"""

from promise.vim.openstack.cloud import OpenStack
from promise.vim.openstack.session import Limits
from promise.vim.openstack.tokens import Keystone

__all__ = ["Keystone", "Limits", "OpenStack"]
