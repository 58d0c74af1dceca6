"""Servers that change size or place: resize, migrate, evacuate, shelve; with what each holds meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from promise.vim.simulator.world.errors import ApiError, NoValidHost
from promise.vim.simulator.world.names import fresh
from promise.vim.simulator.world.placement import Consumer

if TYPE_CHECKING:
    from promise.vim.simulator.options import SimulatorOptions
    from promise.vim.simulator.world.building import Builder, Surroundings
    from promise.vim.simulator.world.flavors import Flavor
    from promise.vim.simulator.world.servers import Server


class Mover:
    """Moves servers between hosts; a move for which there is no host is refused (400) and changes nothing."""

    def __init__(self, options: SimulatorOptions, around: Surroundings, builder: Builder) -> None:
        self._options = options
        self._around = around
        self._builder = builder

    def _replace(self, server: Server, wanted: str | None, avoided: str | None, flavor: Flavor | None = None) -> None:
        """Claim room anew, on another host where one is avoided; when there is none, all stays as it was.

        With another flavor the old room stays held too, under the id of the migration.
        """
        placement = self._around.placement
        before = placement.consumers.get(server.id)
        migration = fresh() if flavor and before else None
        placement.release(server.id)
        if before and migration:
            placement.hold(replace(before, id=migration, type="MIGRATION"))
        try:
            self._builder.place(server, wanted, avoided, flavor)
        except NoValidHost as error:
            placement.release(migration or "")
            if before:
                placement.hold(before)
            raise ApiError(400, str(error)) from None
        server.migration = migration
        for port in self._around.network.ports_of(server.id):
            port["binding:host_id"] = server.host

    def migrate(self, server: Server, wanted: str | None, now: float) -> None:
        """Move a running server to another host."""
        self._replace(server, wanted, server.host)
        server.updated = now

    def evacuate(self, server: Server, wanted: str | None, now: float) -> None:
        """Build a server anew elsewhere, because its host is down (400 while it is not)."""
        host = self._around.hosts.by_name.get(server.host or "")
        if host and host.up:
            raise ApiError(400, f"Compute service of {host.name} is still in use.")
        self._replace(server, wanted, server.host)
        server.settle("active", now)

    def resize(self, server: Server, flavor: Flavor, now: float) -> None:
        """Take room for another flavor elsewhere; the old room stays held until it is confirmed or reverted."""
        old_flavor, old_host = server.flavor, server.host
        self._replace(server, None, None, flavor)
        server.old_flavor, server.old_host = old_flavor, old_host
        server.flavor = replace(flavor, extra_specs=dict(flavor.extra_specs))
        server.begin("resize_migrating", now)
        self._around.agenda.at(now + self._options.action_seconds, lambda moment: self._resized(server, moment))

    @staticmethod
    def _resized(server: Server, moment: float) -> None:
        if server.task_state == "resize_migrating":
            server.settle("resized", moment)

    def confirm(self, server: Server, now: float) -> None:
        """Give the old room of a resized server back."""
        self._around.placement.release(server.migration or "")
        server.migration = server.old_flavor = server.old_host = None
        server.settle("active", now)

    def revert(self, server: Server, now: float) -> None:
        """Give a resized server its old flavor and room back."""
        placement = self._around.placement
        old = placement.consumers.get(server.migration or "")
        placement.release(server.migration or "")
        if old:
            placement.hold(Consumer(server.id, old.project_id, old.user_id, old.held))
        host = self._around.hosts.by_name.get(server.old_host or "")
        server.flavor = server.old_flavor or server.flavor
        server.host, server.host_zone = server.old_host, host.zone if host else None
        server.migration = server.old_flavor = server.old_host = None
        server.settle("active", now)

    def shelve(self, server: Server, now: float) -> None:
        """Take a server from its host: it holds nothing there any more, but its quota, ports and volumes."""
        self._around.placement.release(server.id)
        server.host = server.host_zone = None
        server.settle("shelved_offloaded", now)

    def unshelve(self, server: Server, now: float) -> None:
        """Find a host for a shelved server again."""
        self._replace(server, None, None)
        server.settle("active", now)
