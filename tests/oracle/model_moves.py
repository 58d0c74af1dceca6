"""Random calls whose boundaries collide: few instants, amounts around what is available, every leaf sometimes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from oracle.model_columns import room, scopes_of
from oracle.model_trial import GUEST, T0, Call

if TYPE_CHECKING:
    import random

    from oracle.model_cloud import FakeCloud
    from oracle.model_trial import Trial

GRID = 3600
RESOURCES = ("cores", "ram", "instances", "ports", "DISK_GB", "PCPU", "volumes")


class Theme(NamedTuple):
    """What a history is mostly about: how often which call, how windows look, which resources, how much of them."""

    calls: dict[str, int]
    start: float
    end: float
    names: tuple[str, ...] = ()
    most: int = 4
    flavored: float = 0.1
    zoned: float = 0.3
    short: float = 0.1


QUERIES = {"query-capacity": 10, "query-reservation": 5, "query-instance": 2}
MIXED = QUERIES | {
    "increase-capacity": 6, "decrease-capacity": 7, "remove-pool": 3, "create-reservation": 26,
    "update-reservation": 20, "cancel-reservation": 4, "create-instance": 22, "destroy-instance": 6, "advance": 9,
    "resize": 4,
}  # fmt: skip
CALENDAR = QUERIES | {"create-reservation": 50, "update-reservation": 20, "cancel-reservation": 4, "advance": 4}
TENANTS = QUERIES | {
    "create-reservation": 25, "update-reservation": 12, "create-instance": 40, "destroy-instance": 8, "advance": 8,
    "cancel-reservation": 3,
}  # fmt: skip
STORM = MIXED | {"decrease-capacity": 14, "remove-pool": 8, "resize": 14, "increase-capacity": 10}
THEMES = (
    Theme(MIXED, 0.7, 0.75),
    Theme(CALENDAR, 0.9, 0.97, ("cores", "ram"), 5, 0.0, 0.03, 0.8),
    Theme(TENANTS, 0.15, 0.7, (), 4, 0.85),
    Theme(STORM, 0.4, 0.6, ("cores", "ram", "instances", "ports"), 3, 0.5),
)
STATES = ("initialized", "active", "ended", "expired", "cancelled")
PRIORITIES = ("high", "normal", "low")


class Moves:
    """Chooses the next call from what the model knows."""

    def __init__(self, chance: random.Random, trial: Trial) -> None:
        self.chance = chance
        self.trial = trial
        self.made = 0
        self.theme = chance.choice(THEMES)
        self.opening = [self._offer(cloud) for cloud in trial.clouds.by_name.values() if self.maybe(0.9)]

    def _offer(self, cloud: FakeCloud) -> Call:
        """A pool with which a history can begin: nearly all of a cloud, or of one of its zones."""
        zone = self.chance.choice((None, *cloud.zones)) if self.maybe(2 * self.theme.zoned) else None
        most = {**cloud.bound, **cloud.zones[zone]} if zone else cloud.bound
        names = sorted(most) if self.theme.flavored > 0.4 else self.chance.sample(sorted(most), 3)
        names = sorted({*names, *self.theme.names} & set(most))
        amounts = {name: max(1, most[name] - self.chance.randint(0, 3)) for name in names}
        query = {"source": f"@p-{cloud.name}", "capacity": amounts} | ({"zone": zone} if zone else {})
        return Call(f"o-{cloud.name}", "increase-capacity", query)

    @property
    def world(self) -> Any:
        return self.trial.model.world

    def next(self) -> Call:
        self.made += 1
        if self.opening:
            return self.opening.pop()
        kinds = self.kinds()
        (operation,) = self.chance.choices(list(kinds), list(kinds.values()))
        query: dict[str, Any] = getattr(self, operation.replace("-", "_"))()
        if ("reservation" in operation or "instance" in operation or "query" in operation) and self.maybe(0.15):
            query["as"] = GUEST
        return Call(f"c{self.made}", operation, query)

    def kinds(self) -> dict[str, float]:
        """How often which call comes now."""
        kinds: dict[str, float] = dict(self.theme.calls)
        if not any(found.live for found in self.world.reservations.values()):
            kinds |= {"create-reservation": 60, "update-reservation": 2, "cancel-reservation": 1}
        if not any(found.live for found in self.world.instances.values()):
            kinds |= {"create-instance": 25, "destroy-instance": 1}
        return kinds

    # ---- pieces

    def maybe(self, likely: float) -> bool:
        return self.chance.random() < likely

    def moment(self) -> float:
        """A multiple of the grid around now, sometimes just beside it."""
        now = self.world.now
        at: float = now - (now - T0) % GRID + GRID * self.chance.choice((-1, 0, 1, 1, 2, 2, 3, 4, 5, 6, 8, 12, 24, 25))
        if self.maybe(0.1):
            at += self.chance.choice((-1, 1, 0.5, 0.25))
        return now if self.maybe(0.08) else at

    def window(self, *, start: float = 0.7, end: float = 0.75) -> dict[str, Any]:
        window = {}
        if self.maybe(start):
            window["start"] = self.moment()
        if self.maybe(end):
            window["end"] = self.moment()
        if len(window) == 2 and self.maybe(self.theme.short):
            window["end"] = window["start"] + GRID * self.chance.choice((1, 1, 2, 3))
        elif len(window) == 2 and window["start"] > window["end"] and self.maybe(0.9):
            window["start"], window["end"] = window["end"], window["start"]
        return window

    def ref(self, ids: list[str]) -> str:
        """An id of the controller as the label that made it; rarely one that nobody knows."""
        if not ids or self.maybe(0.02):
            return "@nobody"
        back: dict[str, str] = {made: label for label, made in self.trial.ids.items()}
        return "@" + back.get(self.chance.choice(ids), "nobody")

    def provider(self) -> str:
        return self.ref(list(self.world.providers))

    def zone(self) -> str:
        if self.maybe(0.03):
            return "nowhere"
        zones: set[str] = {zone for one in self.world.providers.values() for zone in one.zones}
        return self.chance.choice(sorted(zones) or ["nowhere"])

    def amounts(self, most: int = 4) -> dict[str, int]:
        named = {name for pool in self.world.pools.values() for name in pool.amounts}
        choice = list(self.theme.names) or sorted(named)
        choice = choice if len(choice) > 1 and self.maybe(0.96) else list(RESOURCES)
        names = self.chance.sample(choice, min(len(choice), self.chance.choice((1, 1, 2, 3))))
        return {name: self.chance.randint(0 if self.maybe(0.1) else 1, most) for name in names}

    def wanted(self, query: dict[str, Any]) -> dict[str, int]:
        """Amounts at, or one beside, what is available at the start; or what some instances need."""
        if self.maybe(self.theme.flavored):
            count = self.chance.randint(1, 3)
            return {"cores": count, "ram": 2 * count, "instances": count, "ports": count}
        amounts = self.amounts(self.theme.most)
        provider = next(iter(self.world.providers), "nobody")
        if provider == "nobody":
            return amounts
        scopes = scopes_of(provider, query.get("zone") if query.get("zone") in {"z1", "z2"} else None)
        at = max(self.world.now, int(query.get("start", self.world.now)))
        for name in amounts:
            if self.maybe(0.3):
                amounts[name] = max(1, room(self.world, scopes, name, at) + self.chance.choice((-1, 0, 0, 1)))
        return amounts

    # ---- calls

    def increase_capacity(self) -> dict[str, Any]:
        pools = list(self.world.pools)
        query: dict[str, Any] = {"source": self.ref(pools) if pools and self.maybe(0.15) else self.provider()}
        if self.maybe(0.4):
            query["zone"] = self.zone()
        query |= self.window(start=0.4, end=0.3) | {"capacity": self.amounts(12)}
        if self.maybe(0.3):
            query["planned"] = True
        return query

    def decrease_capacity(self) -> dict[str, Any]:
        pools = list(self.world.pools)
        query: dict[str, Any] = {"source": self.ref(pools) if pools and self.maybe(0.5) else self.provider()}
        if self.maybe(0.3):
            query["zone"] = self.zone()
        query |= self.window(start=0.5, end=0.6) | {"capacity": self.amounts(5)}
        if self.maybe(0.3):
            query["strict"] = self.maybe(0.8)
        return query

    def remove_pool(self) -> dict[str, Any]:
        query: dict[str, Any] = {"pool-id": self.ref(list(self.world.pools))}
        if self.maybe(0.5):
            query["end"] = self.moment()
        if self.maybe(0.4):
            query["strict"] = True
        return query

    def create_reservation(self) -> dict[str, Any]:
        query = self.window(start=self.theme.start, end=self.theme.end)
        if self.maybe(self.theme.zoned):
            query["zone"] = self.zone()
        if self.maybe(0.98):
            query["capacity"] = self.wanted(query)
        if self.maybe(0.3):
            query["provider-id"] = self.provider()
        return query | self.more(query)

    def more(self, query: dict[str, Any]) -> dict[str, Any]:
        more: dict[str, Any] = {}
        if self.maybe(0.3):
            more["priority"] = self.chance.choice(PRIORITIES)
        if self.maybe(0.2):
            more["name"] = self.chance.choice(("alpha", "beta"))
        if self.maybe(0.2):
            more["expiry"] = int(max(query.get("start", 0), self.world.now)) + GRID * self.chance.randint(1, 3)
        if self.maybe(0.1):
            more["dry-run"] = True
        return more

    def update_reservation(self) -> dict[str, Any]:
        live = [found.id for found in self.world.reservations.values() if found.live or self.maybe(0.05)]
        query: dict[str, Any] = {"reservation-id": self.ref(live)}
        query |= self.window(start=0.25, end=0.3)
        if self.maybe(0.6):
            query["capacity"] = self.amounts(2 * self.theme.most)
        if self.maybe(0.1):
            query["zone"] = self.zone()
        if self.maybe(0.05):
            query["provider-id"] = self.provider()
        if self.maybe(0.3):
            query |= self.more(query)
        if self.maybe(0.1):
            query["if-version"] = self.chance.randint(1, 3)
        gone = [name for name in ("end", "expiry", "zone", "name") if name not in query and self.maybe(0.06)]
        return query | ({"remove": gone} if gone else {})

    def cancel_reservation(self) -> dict[str, Any]:
        return {
            "reservation-id": self.ref(
                [one.id for one in self.world.reservations.values() if one.live or self.maybe(0.1)]
            )
        }

    def create_instance(self) -> dict[str, Any]:
        query: dict[str, Any] = {
            "name": "vm",
            "image": "image",
            "flavor": self.chance.choice(("f1", "f1", "f2", "f3", "f4", "large")),
        }
        if self.maybe(0.1):
            query["flavor"] = self.chance.choice(("twin", "none", "small"))
        live = [one for one in self.world.reservations.values() if one.live or self.maybe(0.03)]
        good = [one for one in live if one.state == "active"]
        if live and self.maybe(0.65):
            query["reservation-id"] = self.ref([one.id for one in (good if good and self.maybe(0.9) else live)])
        claimed = "reservation-id" in query
        if self.maybe(0.1) if claimed else self.maybe(0.9) and len(self.world.providers) > 1:
            query["provider-id"] = self.provider()
        if self.maybe(0.25):
            query["zone"] = self.zone()
        if self.maybe(0.2):
            query["networks"] = ["net-1", "net-2"][: self.chance.randint(1, 2)]
        return query

    def destroy_instance(self) -> dict[str, Any]:
        return {
            "instance-id": self.ref([one.id for one in self.world.instances.values() if one.live or self.maybe(0.2)])
        }

    def advance(self) -> dict[str, Any]:
        into = (self.world.now - T0) % GRID
        return {
            "seconds": self.chance.choice(
                (GRID - into, GRID - into, GRID - into - 1 or 1, 1, 2 * GRID - into, 3 * GRID)
            )
        }

    def resize(self) -> dict[str, Any]:
        cloud = self.trial.clouds.by_name[self.chance.choice(list(self.trial.clouds.by_name))]
        bound = {name: max(0, amount + self.chance.randint(-4, 4)) for name, amount in cloud.bound.items()}
        zones = {
            zone: {name: max(0, amount + self.chance.randint(-3, 3)) for name, amount in capacity.items()}
            for zone, capacity in cloud.zones.items()
        }
        return {"name": cloud.name, "bound": bound, "zones": zones}

    def filter(self) -> dict[str, Any]:
        query: dict[str, Any] = {}
        if self.maybe(0.5):
            query["provider-id"] = self.provider()
        if self.maybe(0.3):
            query["zone"] = self.zone()
        if self.maybe(0.6):
            query["window"] = {
                name: at if self.maybe(0.3) else max(self.world.now, at)
                for name, at in self.window(start=0.6, end=0.6).items()
            } | ({"scope": self.chance.choice(("inclusive", "exclusive"))} if self.maybe(0.5) else {})
        records = [*self.world.pools, *self.world.reservations, *self.world.instances]
        if records and self.maybe(0.3):
            query["without"] = sorted({self.ref(records) for _ in range(self.chance.randint(1, 3))})
        if self.maybe(0.1):
            query["show-utilization"] = self.maybe(0.5)
        return query

    def query_capacity(self) -> dict[str, Any]:
        query = self.filter()
        if self.maybe(0.7):
            query["capacity"] = self.chance.choice(("total", "reserved", "usage", "available"))
        if self.maybe(0.5):
            query["all-metrics"] = True
        if self.maybe(0.3):
            query["flavor"] = self.chance.choice(("f1", "f2", "f3", "f4", "small", "twin", "none"))
        if self.maybe(0.2):
            query["resolution"] = self.chance.choice((GRID, GRID // 2, 7 * GRID, 1000))
        return query

    def query_reservation(self) -> dict[str, Any]:
        query = self.filter()
        if self.maybe(0.3):
            query["state"] = self.chance.sample(STATES, self.chance.randint(1, 3))
        if self.maybe(0.2):
            query["name"] = "alpha"
        if self.maybe(0.2) and self.world.reservations:
            query["reservation-id"] = sorted({self.ref(list(self.world.reservations)) for _ in range(2)})
        return query

    def query_instance(self) -> dict[str, Any]:
        query: dict[str, Any] = {}
        if self.maybe(0.4):
            query["vm-state"] = self.chance.sample(("ACTIVE", "DELETED", "DELETING"), 2)
        if self.maybe(0.3) and self.world.instances:
            query["instance-id"] = [self.ref(list(self.world.instances))]
        if self.maybe(0.3) and self.world.reservations:
            query["reservation-id"] = self.ref(list(self.world.reservations))
        return query
