"""Random calls as in `model_moves`, and what happens around them: faults, restarts, keys, lists, configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oracle.model_cloud import FLAVORS, MOODS, THINGS
from oracle.model_moves import Moves

if TYPE_CHECKING:
    import random

    from oracle.model_cloud import FakeCloud
    from oracle.model_trial import Call, Trial

AROUND = {
    "cloud": 5, "server-made": 3, "server-gone": 3, "server-state": 2, "server-resized": 2, "thing": 2, "commits": 4,
    "restart": 1.5, "policy": 1.5, "providers": 1, "calm": 1, "remove-provider": 0.7, "days": 0.7,
}  # fmt: skip
PLANS = (("fails",), ("lost",), ("well", "fails"), ("well", "lost"), ("well", "well", "fails"), ("fails", "fails"))
KEYED = frozenset({"create-reservation", "update-reservation", "increase-capacity", "decrease-capacity",
                   "create-instance"})  # fmt: skip


class Weather(Moves):
    def __init__(self, chance: random.Random, trial: Trial) -> None:
        super().__init__(chance, trial)
        self.keyed: list[Call] = []
        self.stormy = chance.choice((0.0, 0.5, 1.0, 2.0))
        """How often faults come, beside calls."""
        self.holding = chance.choice((0.0, 0.0, 0.1, 0.5))
        """How many of the reservations hold elements."""

    def kinds(self) -> dict[str, float]:
        around = {name: often * self.stormy for name, often in AROUND.items()}
        missing = {} if all(self._added(cloud) for cloud in self.clouds) else {"add-provider": 10.0}
        return super().kinds() | around | missing

    def next(self) -> Call:
        if self.keyed and self.maybe(0.02):
            return self.chance.choice(self.keyed)
        call = super().next()
        if call.operation == "add-provider":
            return call._replace(label=f"p-{call.query['name']}")
        if call.operation == "days":
            return call._replace(operation="advance")
        if call.operation in KEYED and not call.query.get("dry-run") and self.maybe(0.06):
            call = call._replace(query=call.query | {"idempotency-key": self.chance.choice(("k1", "k2", "k3"))})
            self.keyed.append(call)
        return call

    @property
    def clouds(self) -> list[FakeCloud]:
        return list(self.trial.clouds.by_name.values())

    def cloud_name(self) -> str:
        return self.chance.choice(list(self.trial.clouds.by_name))

    def _added(self, cloud: FakeCloud) -> bool:
        return self.trial.ids.get(f"p-{cloud.name}") in self.world.providers

    # ---- what happens around

    def cloud(self) -> dict[str, Any]:
        mood = self.chance.choice((*MOODS, "well", "well"))
        return {"name": self.cloud_name(), "mood": mood, "builds": self.maybe(0.3)}

    def server_made(self) -> dict[str, Any]:
        name = self.cloud_name()
        zone = self.chance.choice(list(self.trial.clouds.by_name[name].zones))
        return {"name": name, "flavor": self.chance.choice(FLAVORS).id, "zone": zone}

    def server_gone(self) -> dict[str, Any]:
        return {"name": self.cloud_name(), "which": self.chance.randint(0, 10)}

    def server_state(self) -> dict[str, Any]:
        state = self.chance.choice(("ACTIVE", "STOPPED", "ERROR", "down", "down"))
        return {"name": self.cloud_name(), "which": self.chance.randint(0, 10), "state": state}

    def server_resized(self) -> dict[str, Any]:
        return {"name": self.cloud_name(), "which": self.chance.randint(0, 10),
                "flavor": self.chance.choice(FLAVORS).id}  # fmt: skip

    def thing(self) -> dict[str, Any]:
        state = self.chance.choice(("there", "there", "down", "gone"))
        return {"name": self.cloud_name(), "element": self.chance.choice(list(THINGS)), "state": state}

    def commits(self) -> dict[str, Any]:
        return {"plan": list(self.chance.choice(PLANS))}

    def restart(self) -> dict[str, Any]:
        return {"killed": self.maybe(0.5)}

    def policy(self) -> dict[str, Any]:
        choices: dict[str, tuple[Any, ...]] = {
            "max_future_start_range": (None, None, 1), "max_future_end_range": (None, None, 2),
            "max_duration": (None, None, 24), "expiry": (None, 30, 120), "before_end": (None, 1, 30, 120),
            "at_end": ("keep", "terminate"), "preempt": (False, True), "unreserved": ("best-effort", "strict"),
            "alternatives": (0, 3, 5), "search_horizon": (1, 365), "retention": (1, 30),
        }  # fmt: skip
        names = self.chance.sample(sorted(choices), self.chance.randint(1, 3))
        return {name: self.chance.choice(choices[name]) for name in names}

    def providers(self) -> dict[str, Any]:
        overcommit = {"cores": self.chance.choice((500, 1000, 1500, 2000))} if self.maybe(0.7) else {}
        return {"turn": self.chance.randint(0, 1), "overcommit": overcommit}

    def calm(self) -> dict[str, Any]:
        return {}

    def remove_provider(self) -> dict[str, Any]:
        return {"provider-id": self.provider()} | ({"force": True} if self.maybe(0.5) else {})

    def add_provider(self) -> dict[str, Any]:
        return {"name": self.chance.choice([cloud.name for cloud in self.clouds if not self._added(cloud)])}

    def days(self) -> dict[str, Any]:
        return {"seconds": 86400 * self.chance.choice((1, 1, 2, 31))}

    # ---- more of the calls

    def containers(self) -> dict[str, Any]:
        if self.maybe(0.88):
            return {}
        flavors = self.chance.sample(
            ("f1", "f2", "f3", "none" if self.maybe(0.05) else "f4"), self.chance.randint(1, 2)
        )
        return {"containers": [{"flavor": name, "count": self.chance.randint(0, 2)} for name in flavors]}

    def elements(self, often: float) -> dict[str, Any]:
        if self.maybe(1 - often):
            return {}
        servers = [name for cloud in self.clouds for name in cloud.held]
        choice = [*THINGS, *([self.chance.choice(servers)] if servers else []), *(["none"] if self.maybe(0.05) else [])]
        return {"elements": self.chance.sample(choice, self.chance.choice((1, 1, 1, 2)))}

    def increase_capacity(self) -> dict[str, Any]:
        return self.named(super().increase_capacity())

    def decrease_capacity(self) -> dict[str, Any]:
        return self.named(super().decrease_capacity())

    def named(self, query: dict[str, Any]) -> dict[str, Any]:
        """A pool that names things; it may be of nothing else."""
        query |= self.elements(self.holding / 3)
        if "elements" in query and self.maybe(0.3):
            del query["capacity"]
        return query

    def filter(self) -> dict[str, Any]:
        query = super().filter()
        if self.maybe(self.holding / 2):
            query |= {"elements": {self.chance.choice(("some", "every")): self.elements(1)["elements"]}}
        return query

    def create_reservation(self) -> dict[str, Any]:
        query = super().create_reservation() | self.containers() | self.elements(self.holding)
        if len(query.keys() & {"containers", "elements"}) and self.maybe(0.5):
            query.pop("capacity", None)
        return query

    def update_reservation(self) -> dict[str, Any]:
        query = super().update_reservation() | self.containers() | self.elements(self.holding / 2)
        if "elements" not in query and self.maybe(self.holding / 5):
            query["remove"] = [*query.get("remove", []), "elements"]
        return query

    def cancel_reservation(self) -> dict[str, Any]:
        return self.several(super().cancel_reservation, "reservation-id")

    def destroy_instance(self) -> dict[str, Any]:
        return self.several(super().destroy_instance, "instance-id")

    def several(self, one: Any, leaf: str) -> dict[str, Any]:
        query: dict[str, Any] = one()
        if self.maybe(0.8):
            return query
        return {f"{leaf}s": sorted({query[leaf], *(one()[leaf] for _ in range(self.chance.randint(0, 2)))})}
