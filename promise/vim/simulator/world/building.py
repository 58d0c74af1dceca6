"""How a server gets its host, ports and volumes, and gives them back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from promise.vim.simulator.world.errors import ApiError, BuildAborted, NoValidHost
from promise.vim.simulator.world.flavors import request_of, required_traits
from promise.vim.simulator.world.names import fresh
from promise.vim.simulator.world.placement import Consumer
from promise.vim.simulator.world.scheduler import Wish, choose
from promise.vim.simulator.world.volumes import Volume

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from promise.vim.simulator.options import SimulatorOptions
    from promise.vim.simulator.world.agenda import Agenda
    from promise.vim.simulator.world.events import Events
    from promise.vim.simulator.world.flavors import Flavor
    from promise.vim.simulator.world.groups import Groups
    from promise.vim.simulator.world.hosts import Host, Hosts
    from promise.vim.simulator.world.network import Network
    from promise.vim.simulator.world.placement import Placement
    from promise.vim.simulator.world.quotas import Quotas
    from promise.vim.simulator.world.servers import Server
    from promise.vim.simulator.world.volumes import Volumes

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


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What servers take from the rest of the cloud."""

    hosts: Hosts
    placement: Placement
    network: Network
    volumes: Volumes
    quotas: Quotas
    agenda: Agenda
    groups: Groups
    events: Events


class Builder:
    """Builds servers on hosts, and takes apart what they had."""

    def __init__(self, options: SimulatorOptions, around: Surroundings) -> None:
        self._options = options
        self._around = around
        self._own_ports: dict[str, list[str]] = {}

    def build(self, server: Server, order: Order, now: float) -> None:
        """Place a server and let its build begin; where that cannot be, it is ERROR with the reason."""
        try:
            host = self.place(server, order.host)
            self._plug(server, order.nics, host, now)
            self._give_disks(server, order.disks, now)
        except NoValidHost as error:
            server.fail(str(error), now)
            return
        except ApiError as error:
            self._abort(server, error.message, now)
            return
        server.begin("spawning", now)
        server.tell(server, "create.start", now, "")
        if self._options.stuck_marker not in server.name:
            slower = _SLOWER if self._options.slow_marker in server.name else 0.0
            due = now + self._options.build_seconds + slower
            self._around.agenda.at(due, host.when_alive(lambda moment: self._built(server, moment)))

    def place(
        self, server: Server, wanted: str | None = None, avoided: str | None = None, flavor: Flavor | None = None
    ) -> Host:
        """Choose a host and claim there what the flavor (the server's own) takes; raise NoValidHost."""
        flavor = flavor or server.flavor
        required, forbidden = required_traits(flavor)
        group = self._around.groups.by_id.get(server.group or "")
        wish = Wish(
            request=request_of(flavor, from_volume=server.from_volume),
            zone=server.zone,
            host=wanted,
            required=frozenset(required),
            forbidden=frozenset(forbidden),
            policy=group.policy if group else "",
            members=self._around.groups.hosts_of(group, except_for=server.id) if group else {},
            most_per_host=(group.most_per_host if group else None) or 1,
        )
        hosts = [host for host in self._around.hosts.by_name.values() if host.name != avoided]
        host = choose(wish, hosts, self._around.placement)
        held = {host.provider.id: dict(wish.request)}
        self._around.placement.claim(Consumer(server.id, server.project_id, server.user_id, held))
        server.host, server.host_zone = host.name, host.zone
        return host

    def _plug(self, server: Server, nics: Sequence[Mapping[str, Any]], host: Host, now: float) -> None:
        for nic in nics:
            self.plug(server, nic, host, now)

    def plug(self, server: Server, nic: Mapping[str, Any], host: Host, now: float) -> dict[str, Any]:
        """Give a server a port: an existing one, or a new one in a network, which will end with it."""
        network = self._around.network
        owner = {"device_id": server.id, "device_owner": f"compute:{host.zone}", "binding:host_id": host.name}
        if "port" in nic:
            return network.change(network.get("port", nic["port"]), owner, now)
        values: dict[str, Any] = {**owner, "network_id": nic["uuid"]}
        if "fixed_ip" in nic:
            values["fixed_ips"] = [{"ip_address": nic["fixed_ip"]}]
        if server.security_groups:
            values["security_groups"] = list(server.security_groups)
        port = network.add_port(server.project_id, values, now)
        self._own_ports.setdefault(server.id, []).append(port["id"])
        return port

    def unplug(self, server: Server, port: dict[str, Any], now: float) -> None:
        """Take a port from a server; one that was made for it ends."""
        if port["id"] in self._own_ports.get(server.id, ()):
            self._own_ports[server.id].remove(port["id"])
            self._around.network.remove_port(port)
        else:
            nobody = {"device_id": "", "device_owner": "", "binding:host_id": "", "status": "DOWN"}
            self._around.network.change(port, nobody, now)

    def _give_disks(self, server: Server, disks: Sequence[Disk], now: float) -> None:
        volumes = self._around.volumes
        for disk in disks:
            volume = volumes.volumes.get(disk.volume_id or "") or volumes.create(
                Volume(
                    fresh(), "", disk.size, server.project_id, server.user_id, disk.type or volumes.types[0], now, now,
                    image=disk.image, snapshot=disk.snapshot,
                )
            )  # fmt: skip
            volume.delete_with_server = disk.delete_with_server
            volume.boot = disk.boot
            volumes.attach(volume, server.id, self.next_device(server), now)

    def next_device(self, server: Server) -> str:
        """Return the name that the next volume of a server gets; the local root disk, if any, is vda."""
        first = 0 if server.from_volume else 1
        taken = {volume.device for volume in self._around.volumes.of_server(server.id)}
        names = (f"/dev/vd{chr(ord('a') + index)}" for index in range(first, 26))
        return next((name for name in names if name not in taken), "/dev/vdz")

    def _built(self, server: Server, moment: float) -> None:
        if server.vm_state != "building" or server.task_state != "spawning":
            return
        if self._options.fail_marker in server.name:
            self._abort(server, f"its name contains {self._options.fail_marker}", moment)
            return
        server.launched = moment
        server.settle("active", moment)
        server.tell(server, "create.end", moment, "")
        for port in self._around.network.ports_of(server.id):
            port.update({"status": "ACTIVE", "binding:vif_type": "ovs"})

    def _abort(self, server: Server, reason: str, moment: float) -> None:
        self.take_everything(server, moment)
        server.tell(server, "create.error", moment, "")
        server.host = server.host_zone = None
        server.fail(str(BuildAborted(server.id, reason)), moment)

    def take_everything(self, server: Server, now: float) -> None:
        """Give back all that a server holds."""
        self._around.placement.release(server.id)
        self._around.placement.release(server.migration or "")
        self._around.volumes.detach_all(server.id, now)
        for port in self._around.network.ports_of(server.id):
            self.unplug(server, port, now)
        self._own_ports.pop(server.id, None)
