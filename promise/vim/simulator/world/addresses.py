"""The addresses of subnets: which are taken, and which one is next."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from itertools import chain
from typing import TYPE_CHECKING, Any

from promise.vim.simulator.world.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Row = dict[str, Any]


class Addresses:
    """Every address that is taken, by subnet; a fixed address is {subnet_id, ip_address}, as ports show it."""

    def __init__(self) -> None:
        self._taken: dict[str, set[int]] = {}
        self._last: dict[str, int] = {}

    def take(self, network: Row, subnets: Sequence[Row], wanted: list[Row] | None) -> list[Row]:
        """Take those wanted, else one of each IP version that the network has; all of them or none.

        Raise 409 when there is none left or it is taken, 400 when it lies in no subnet of the network.
        """
        found: list[Row] = []
        try:
            for fixed in self._one_of_each(network, subnets) if wanted is None else self._these(subnets, wanted):
                found.append(fixed)  # noqa: PERF402 -- what was taken before an error has to be known
        except ApiError:
            self.give_back(found)
            raise
        return found

    def give_back(self, fixed_ips: Sequence[Row]) -> None:
        """Let others have these addresses."""
        for fixed in fixed_ips:
            self._taken[fixed["subnet_id"]].discard(int(ip_address(fixed["ip_address"])))

    def used(self, subnet_id: str) -> int:
        """Return how many addresses of a subnet are taken."""
        return len(self._taken.get(subnet_id, ()))

    def _one_of_each(self, network: Row, subnets: Sequence[Row]) -> Iterator[Row]:
        for version in sorted({subnet["ip_version"] for subnet in subnets}):
            alike = [subnet for subnet in subnets if subnet["ip_version"] == version]
            free = next(((subnet, found) for subnet in alike if (found := self._free(subnet)) is not None), None)
            if free is None:
                message = f"No more IP addresses available on network {network['id']}."
                raise ApiError(409, message, "IpAddressGenerationFailure")
            yield self._mark(*free)

    def _these(self, subnets: Sequence[Row], wanted: list[Row]) -> Iterator[Row]:
        for want in wanted:
            yield self._this(subnets, want)

    def _this(self, subnets: Sequence[Row], want: Row) -> Row:
        try:
            address = ip_address(want["ip_address"]) if "ip_address" in want else None
        except ValueError:
            message = f"Invalid input for fixed_ips. Reason: '{want['ip_address']}' is not a valid IP address."
            raise ApiError(400, message, "HTTPBadRequest") from None
        for subnet in subnets:
            if want.get("subnet_id", subnet["id"]) != subnet["id"]:
                continue
            if address is None:
                if (free := self._free(subnet)) is not None:
                    return self._mark(subnet, free)
            elif address in ip_network(subnet["cidr"]):
                if int(address) in self._taken.get(subnet["id"], ()):
                    message = f"IP address {address} already allocated in subnet {subnet['id']}"
                    raise ApiError(409, message, "IpAddressAlreadyAllocated")
                return self._mark(subnet, int(address))
        message = f"IP address {want.get('ip_address')} is not a valid IP for the specified subnet."
        raise ApiError(400, f"Invalid input for operation: {message}", "InvalidIpForSubnet")

    def _free(self, subnet: Row) -> int | None:
        """Return an address that nobody has, the next after the last one taken, so that none is soon used again."""
        taken = self._taken.setdefault(subnet["id"], set())
        gateway = int(ip_address(subnet["gateway_ip"])) if subnet["gateway_ip"] else None
        bounds = [(int(ip_address(pool["start"])), int(ip_address(pool["end"]))) for pool in subnet["allocation_pools"]]
        after = self._last.get(subnet["id"], 0) + 1
        ahead = (range(max(first, after), last + 1) for first, last in bounds)
        behind = (range(first, min(last + 1, after)) for first, last in bounds)
        candidates = chain.from_iterable(chain(ahead, behind))
        return next((address for address in candidates if address not in taken and address != gateway), None)

    def _mark(self, subnet: Row, address: int) -> Row:
        self._taken.setdefault(subnet["id"], set()).add(address)
        self._last[subnet["id"]] = address
        return {"subnet_id": subnet["id"], "ip_address": str(ip_address(address))}
