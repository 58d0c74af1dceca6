"""Nova's world: flavors, key pairs, server groups and servers; a create is decided whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from promise.vim.simulator.world.errors import ApiError, BuildAborted, NoValidHost
from promise.vim.simulator.world.flavors import Flavor, request_of, required_traits
from promise.vim.simulator.world.names import fresh, lasting
from promise.vim.simulator.world.placement import Consumer
from promise.vim.simulator.world.scheduler import Wish, choose
from promise.vim.simulator.world.servers import Server
from promise.vim.simulator.world.volumes import Volume

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from promise.vim.simulator.options import SimulatorOptions
    from promise.vim.simulator.world.agenda import Agenda
    from promise.vim.simulator.world.hosts import Host, Hosts
    from promise.vim.simulator.world.network import Network
    from promise.vim.simulator.world.placement import Placement
    from promise.vim.simulator.world.quotas import Quotas
    from promise.vim.simulator.world.volumes import Volumes

_REMEMBERED: Final = 10000
_SLOWER: Final = 5.0


@dataclass(frozen=True, slots=True)
class Disk:
    """A volume that a server is to have: an existing one, or a new one of `size` GB."""

    volume_id: str | None = None
    size: int = 0
    image: str | None = None
    snapshot: str | None = None
    type: str | None = None
    boot: bool = False
    delete_with_server: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """A checked request for one or more servers; `draft` is what each of them is a copy of."""

    draft: Server
    nics: Sequence[Mapping[str, Any]] = ()
    disks: Sequence[Disk] = ()
    at_least: int = 1
    at_most: int = 1
    host: str | None = None


@dataclass(slots=True)
class Group:
    """A server group: its members must, or should, share hosts or not."""

    id: str
    name: str
    project_id: str
    user_id: str
    policy: str
    most_per_host: int | None = None
    members: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What servers take from the rest of the cloud."""

    hosts: Hosts
    placement: Placement
    network: Network
    volumes: Volumes
    quotas: Quotas
    agenda: Agenda


class Compute:
    """Everything that Nova keeps, and the verbs on servers."""

    def __init__(self, options: SimulatorOptions, around: Surroundings) -> None:
        self._options = options
        self._around = around
        self.flavors: dict[str, Flavor] = {}
        for option in options.flavors:
            flavor_id = option.id or lasting("flavor", option.name)
            self.flavors[flavor_id] = Flavor(
                flavor_id, option.name, option.vcpus, option.ram, option.disk, option.ephemeral, option.swap,
                extra_specs=dict(option.extra_specs),
            )  # fmt: skip
        self.keypairs: dict[tuple[str, str], dict[str, Any]] = {}
        self.groups: dict[str, Group] = {}
        self.servers: dict[str, Server] = {}
        self.deleted: dict[str, Server] = {}
        self._made = 0
        self._own_ports: dict[str, list[str]] = {}

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
            "server_groups": sum(group.project_id == project_id for group in self.groups.values()),
        }

    # Creating

    def create(self, order: Order, now: float) -> list[Server]:
        """Make as many servers as quota allows between at_least and at_most; 403 when it allows fewer."""
        count = self._allowed(order)
        self._check_ports(order, count)
        servers = []
        reservation = f"r-{fresh()[:8]}"
        for index in range(count):
            draft = order.draft
            name = f"{draft.name}-{index + 1}" if order.at_most > 1 else draft.name
            server = replace(
                draft, id=fresh(), name=name, metadata=dict(draft.metadata), tags=list(draft.tags),
                launch_index=index, reservation_id=reservation, number=self._next(), actions=[],
            )  # fmt: skip
            self.servers[server.id] = server
            if server.group:
                self.groups[server.group].members.append(server.id)
            self._build(server, order, now)
            servers.append(server)
        return servers

    def _next(self) -> int:
        self._made += 1
        return self._made

    def _allowed(self, order: Order) -> int:
        """Return how many of the order the quota admits, or raise Nova's 403 naming what is exceeded."""
        project_id, flavor = order.draft.project_id, order.draft.flavor
        used, quotas = self.used(project_id), self._around.quotas
        each = {"cores": flavor.vcpus, "instances": 1, "ram": flavor.ram}
        for count in range(order.at_most, order.at_least - 1, -1):
            if not any(quotas.exceeded(project_id, name, used[name] + each[name] * count) for name in each):
                return count
        asked = {name: amount * order.at_most for name, amount in each.items()}
        over = [name for name in each if quotas.exceeded(project_id, name, used[name] + asked[name])]
        names = ", ".join(over)
        raise ApiError(
            403,
            f"Quota exceeded for {names}: Requested {', '.join(str(asked[name]) for name in over)}, but already used "
            f"{', '.join(str(used[name]) for name in over)} of "
            f"{', '.join(str(quotas.limit(project_id, name)) for name in over)} {names}",
        )

    def _check_ports(self, order: Order, count: int) -> None:
        project_id = order.draft.project_id
        ports = sum("port" not in nic for nic in order.nics) * count
        have = self._around.network.owned("port", project_id)
        if ports and self._around.quotas.exceeded(project_id, "port", have + ports):
            raise ApiError(403, "Maximum number of ports exceeded")

    def _build(self, server: Server, order: Order, now: float) -> None:
        """Place a server and let its build begin; where that cannot be, it is ERROR with the reason."""
        try:
            host = self._place(server, order.host)
            self._plug(server, order.nics, host, now)
            self._give_disks(server, order.disks, now)
        except NoValidHost as error:
            server.fail(str(error), now)
            return
        except (ApiError, BuildAborted) as error:
            self._take_everything(server)
            server.host = server.host_zone = None
            server.fail(str(BuildAborted(server.id, str(error))), now)
            return
        server.task_state = "spawning"
        if self._options.stuck_marker not in server.name:
            slower = _SLOWER if self._options.slow_marker in server.name else 0.0
            due = now + self._options.build_seconds + slower
            self._around.agenda.at(due, host.when_alive(lambda moment: self._built(server, moment)))

    def _place(self, server: Server, wanted: str | None) -> Host:
        required, forbidden = required_traits(server.flavor)
        group = self.groups.get(server.group or "")
        wish = Wish(
            request=request_of(server.flavor, from_volume=server.from_volume),
            zone=server.zone,
            host=wanted,
            required=frozenset(required),
            forbidden=frozenset(forbidden),
            policy=group.policy if group else "",
            members=self._members_by_host(group) if group else {},
            most_per_host=(group.most_per_host if group else None) or 1,
        )
        host = choose(wish, self._around.hosts.by_name.values(), self._around.placement)
        held = {host.provider.id: dict(wish.request)}
        self._around.placement.claim(Consumer(server.id, server.project_id, server.user_id, held))
        server.host, server.host_zone = host.name, host.zone
        return host

    def _members_by_host(self, group: Group) -> dict[str, int]:
        hosts = [self.servers[member].host for member in group.members if member in self.servers]
        return {host: hosts.count(host) for host in hosts if host}

    def _plug(self, server: Server, nics: Sequence[Mapping[str, Any]], host: Host, now: float) -> None:
        network = self._around.network
        for nic in nics:
            owner = {"device_id": server.id, "device_owner": f"compute:{host.zone}", "binding:host_id": host.name}
            if "port" in nic:
                network.change(network.get("port", nic["port"]), owner, now)
                continue
            values: dict[str, Any] = {**owner, "network_id": nic["uuid"]}
            if "fixed_ip" in nic:
                values["fixed_ips"] = [{"ip_address": nic["fixed_ip"]}]
            if server.security_groups:
                values["security_groups"] = list(server.security_groups)
            port = network.add_port(server.project_id, values, now)
            self._own_ports.setdefault(server.id, []).append(port["id"])

    def _give_disks(self, server: Server, disks: Sequence[Disk], now: float) -> None:
        volumes = self._around.volumes
        for index, disk in enumerate(disks):
            volume = volumes.volumes.get(disk.volume_id or "") or volumes.create(
                Volume(
                    fresh(),
                    "",
                    disk.size,
                    server.project_id,
                    server.user_id,
                    disk.type or volumes.types[0],
                    now,
                    now,
                    image=disk.image,
                    snapshot=disk.snapshot,
                )  # fmt: skip
            )
            volume.delete_with_server = disk.delete_with_server
            volume.boot = disk.boot
            first = 0 if server.from_volume else 1
            volumes.attach(volume, server.id, f"/dev/vd{chr(ord('a') + first + index)}", now)

    def _built(self, server: Server, moment: float) -> None:
        if server.vm_state != "building" or server.task_state != "spawning":
            return
        if self._options.fail_marker in server.name:
            self._take_everything(server)
            server.host = server.host_zone = None
            server.fail(str(BuildAborted(server.id, f"the name contains {self._options.fail_marker}")), moment)
            return
        server.settle("active", moment)
        server.launched = moment
        for port in self._around.network.ports_of(server.id):
            port.update({"status": "ACTIVE", "binding:vif_type": "ovs"})

    # Ending

    def delete(self, server: Server, now: float) -> None:
        """Ask for the end of a server: at once when it is nowhere or its host is down, else after a moment."""
        if server.locked:
            raise ApiError(409, f"Instance {server.id} is locked")
        host = self._around.hosts.by_name.get(server.host or "")
        if server.task_state == "deleting" and host and host.up:
            return
        server.task_state, server.updated = "deleting", now
        if host is None or not host.up:
            self.forget(server, now)
        else:
            due = now + self._options.delete_seconds
            self._around.agenda.at(due, host.when_alive(lambda moment: self.forget(server, moment)))

    def forget(self, server: Server, moment: float) -> None:
        """Let a server be gone, and give back all that it held."""
        if self.servers.pop(server.id, None) is None:
            return
        self._take_everything(server)
        if server.group in self.groups:
            self.groups[server.group].members.remove(server.id)
        server.settle("deleted", moment)
        server.terminated = moment
        self.deleted[server.id] = server
        if len(self.deleted) > _REMEMBERED:
            del self.deleted[next(iter(self.deleted))]

    def _take_everything(self, server: Server) -> None:
        self._around.placement.release(server.id)
        self._around.volumes.detach_all(server.id)
        own = self._own_ports.pop(server.id, [])
        for port in self._around.network.ports_of(server.id):
            if port["id"] in own:
                self._around.network.remove_port(port)
            else:
                port.update({"device_id": "", "device_owner": "", "binding:host_id": "", "status": "DOWN"})

    # Acting

    def later(self, server: Server, task: str, then: str, now: float) -> None:
        """Begin a task that ends in another state after a moment, if the host lives."""
        server.task_state, server.updated = task, now
        host = self._around.hosts.by_name[server.host or ""]

        def done(moment: float) -> None:
            if server.task_state == task:
                server.settle(then, moment)

        self._around.agenda.at(now + self._options.action_seconds, host.when_alive(done))
