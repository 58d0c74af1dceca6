"""The whole cloud in one place: what exists, and the one verb by which time enters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promise.vim.simulator.world.agenda import Agenda
from promise.vim.simulator.world.alarms import Alarms
from promise.vim.simulator.world.building import Surroundings
from promise.vim.simulator.world.compute import Compute
from promise.vim.simulator.world.events import Events
from promise.vim.simulator.world.groups import Groups
from promise.vim.simulator.world.hosts import Hosts
from promise.vim.simulator.world.identity import Identity
from promise.vim.simulator.world.images import Image
from promise.vim.simulator.world.names import lasting
from promise.vim.simulator.world.network import Network
from promise.vim.simulator.world.placement import Placement
from promise.vim.simulator.world.quotas import Quotas
from promise.vim.simulator.world.volumes import Volumes

if TYPE_CHECKING:
    from promise.vim.simulator.options import SimulatorOptions
    from promise.vim.simulator.world.servers import Server


class World:
    """One simulated cloud. `advance` is called with the present moment before anything is read or done."""

    def __init__(self, options: SimulatorOptions, now: float) -> None:
        self.options = options
        self.started = now
        self.agenda = Agenda()
        self.identity = Identity(options)
        self.quotas = Quotas(options)
        self.placement = Placement()
        self.hosts = Hosts(options, self.placement, now)
        self.network = Network(self.quotas)
        self.volumes = Volumes(options, self.quotas, self.agenda)
        servers: dict[str, Server] = {}
        self.events = Events()
        self.alarms = Alarms()
        around = Surroundings(
            self.hosts, self.placement, self.network, self.volumes, self.quotas, self.agenda, Groups(servers),
            self.events,
        )  # fmt: skip
        self.compute = Compute(options, around, servers)
        admin = next(project.id for project in self.identity.projects.values() if project.name == "admin")
        self.images: dict[str, Image] = {}
        for option in options.images:
            image = Image(
                lasting("image", option.name), option.name, admin, now, now, option.size, option.min_ram,
                option.min_disk,
            )  # fmt: skip
            self.images[image.id] = image
        for network in options.networks:
            self.network.seed(network, admin, now)

    def advance(self, now: float) -> None:
        """Make everything happen that is due."""
        self.agenda.run(now)
