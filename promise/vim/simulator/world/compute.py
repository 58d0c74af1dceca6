"""Nova's world: flavors and servers; a create is decided whole or not at all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from promise.vim.simulator.world.building import Builder, Order, Surroundings
from promise.vim.simulator.world.errors import ApiError
from promise.vim.simulator.world.flavors import Flavor
from promise.vim.simulator.world.moves import Mover
from promise.vim.simulator.world.names import fresh, lasting

if TYPE_CHECKING:
    from promise.vim.simulator.options import SimulatorOptions
    from promise.vim.simulator.world.servers import Server

_REMEMBERED: Final = 10000
_TOLD: Final = {
    "powering-off": "power_off", "powering-on": "power_on", "rebooting": "reboot", "rebooting_hard": "reboot",
    "pausing": "pause", "unpausing": "unpause", "suspending": "suspend", "resuming": "resume", "rebuilding": "rebuild",
}  # fmt: skip


class Compute:
    """Everything that Nova keeps, and the verbs on servers."""

    def __init__(self, options: SimulatorOptions, around: Surroundings, servers: dict[str, Server]) -> None:
        self._options = options
        self._around = around
        self.servers = servers
        self.deleted: dict[str, Server] = {}
        self.groups = around.groups
        self.builder = Builder(options, around)
        self.mover = Mover(options, around, self.builder)
        self.flavors: dict[str, Flavor] = {}
        for option in options.flavors:
            flavor_id = option.id or lasting("flavor", option.name)
            self.flavors[flavor_id] = Flavor(
                flavor_id, option.name, option.vcpus, option.ram, option.disk, option.ephemeral, option.swap,
                extra_specs=dict(option.extra_specs),
            )  # fmt: skip
        self._made = 0

    def get(self, server_id: str) -> Server:
        """Return a server, or raise Nova's 404."""
        if server_id not in self.servers:
            raise ApiError(404, f"Instance {server_id} could not be found.")
        return self.servers[server_id]

    def used(self, project_id: str) -> dict[str, int]:
        """Return what a project's servers count against its quota: flavors as they are, ERROR servers too."""
        own = [server for server in self.servers.values() if server.project_id == project_id]
        return {
            "instances": len(own),
            "cores": sum(server.flavor.vcpus for server in own),
            "ram": sum(server.flavor.ram for server in own),
            "server_groups": sum(group.project_id == project_id for group in self.groups.by_id.values()),
        }

    def create(self, order: Order, now: float) -> list[Server]:
        """Make as many servers as quota allows between at_least and at_most; 403 when it allows fewer."""
        count = self._allowed(order)
        self._check_ports(order, count)
        draft, reservation = order.draft, f"r-{fresh()[:8]}"
        servers = []
        for index in range(count):
            self._made += 1
            server = replace(
                draft, id=fresh(), name=f"{draft.name}-{index + 1}" if order.at_most > 1 else draft.name,
                metadata=dict(draft.metadata), tags=list(draft.tags), security_groups=list(draft.security_groups),
                launch_index=index, reservation_id=reservation, number=self._made, actions=[],
                tell=self._around.events.tell,
            )  # fmt: skip
            self.servers[server.id] = server
            if server.group:
                self.groups.by_id[server.group].members.append(server.id)
            server.record("create", now)
            server.tell(server, "update", now, "")
            self.builder.build(server, order, now)
            servers.append(server)
        return servers

    def _allowed(self, order: Order) -> int:
        """Return how many of the order the quota admits, or raise Nova's 403 naming what is exceeded."""
        flavor = order.draft.flavor
        for count in range(order.at_most, order.at_least, -1):
            if not self._over(order.draft.project_id, flavor.vcpus * count, count, flavor.ram * count):
                return count
        count = order.at_least
        self.check_quota(order.draft.project_id, flavor.vcpus * count, count, flavor.ram * count)
        return count

    def _over(self, project_id: str, cores: int, instances: int, ram: int) -> list[str]:
        used = self.used(project_id)
        asked = {"cores": cores, "instances": instances, "ram": ram}
        exceeded = self._around.quotas.exceeded
        return [name for name in asked if asked[name] > 0 and exceeded(project_id, name, used[name] + asked[name])]

    def check_quota(self, project_id: str, cores: int, instances: int, ram: int) -> None:
        """Raise Nova's 403, naming what is exceeded, unless this much more is within quota."""
        over = self._over(project_id, cores, instances, ram)
        if not over:
            return
        used, asked = self.used(project_id), {"cores": cores, "instances": instances, "ram": ram}
        limits = self._around.quotas.of(project_id, asked)
        columns = [", ".join(str(values[name]) for name in over) for values in (asked, used, limits)]
        names = ", ".join(over)
        raise ApiError(
            403,
            f"Quota exceeded for {names}: Requested {columns[0]}, but already used {columns[1]} of {columns[2]} "
            f"{names}",
        )

    def _check_ports(self, order: Order, count: int) -> None:
        project_id = order.draft.project_id
        ports = sum("port" not in nic for nic in order.nics) * count
        have = self._around.network.owned("port", project_id)
        if ports and self._around.quotas.exceeded(project_id, "port", have + ports):
            raise ApiError(403, "Maximum number of ports exceeded")

    def delete(self, server: Server, now: float) -> None:
        """Ask for the end of a server: at once when it is nowhere or its host is down, else after a moment."""
        if server.locked:
            raise ApiError(409, f"Instance {server.id} is locked")
        host = self._around.hosts.by_name.get(server.host or "")
        if server.task_state == "deleting" and host and host.up:
            return
        server.record("delete", now)
        server.begin("deleting", now)
        server.tell(server, "delete.start", now, "")
        if host is None or not host.up:
            self.forget(server, now)
        else:
            due = now + self._options.delete_seconds
            self._around.agenda.at(due, host.when_alive(lambda moment: self.forget(server, moment)))

    def forget(self, server: Server, moment: float) -> None:
        """Let a server be gone, and give back all that it held."""
        if self.servers.pop(server.id, None) is None:
            return
        self.builder.take_everything(server, moment)
        self.groups.leave(server)
        server.terminated = moment
        server.settle("deleted", moment)
        server.tell(server, "delete.end", moment, "")
        self.deleted[server.id] = server
        if len(self.deleted) > _REMEMBERED:
            del self.deleted[next(iter(self.deleted))]

    def later(self, server: Server, task: str, then: str, now: float) -> None:
        """Begin a task that ends in another state after a moment, if the host lives."""
        server.begin(task, now)
        told = _TOLD.get(task, task)
        server.tell(server, f"{told}.start", now, "")
        host = self._around.hosts.by_name.get(server.host or "")

        def done(moment: float) -> None:
            if server.task_state == task:
                server.settle(then, moment)
                server.tell(server, f"{told}.end", moment, "")

        self._around.agenda.at(now + self._options.action_seconds, host.when_alive(done) if host else done)
