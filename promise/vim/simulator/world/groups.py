"""Server groups: members that must, or should, share hosts or not; and key pairs, which users keep."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from promise.vim.simulator.world.servers import Server


@dataclass(slots=True)
class Group:
    """A server group: its policy, and with anti-affinity how many members one host may have."""

    id: str
    name: str
    project_id: str
    user_id: str
    policy: str
    most_per_host: int | None = None
    members: list[str] = field(default_factory=list)


class Groups:
    """Every server group, and where the members are."""

    def __init__(self, servers: dict[str, Server]) -> None:
        self._servers = servers
        self.by_id: dict[str, Group] = {}
        self.keypairs: dict[tuple[str, str], dict[str, Any]] = {}

    def hosts_of(self, group: Group, *, except_for: str) -> dict[str, int]:
        """Return how many members each host has, but for one of them."""
        members = [self._servers[member] for member in group.members if member in self._servers]
        hosts = [server.host for server in members if server.id != except_for]
        return {host: hosts.count(host) for host in hosts if host}

    def leave(self, server: Server) -> None:
        """Take a server out of its group."""
        if server.group in self.by_id and server.id in self.by_id[server.group].members:
            self.by_id[server.group].members.remove(server.id)
