"""The judge: the whole controller as a small, slow model, written from the texts alone; one answer per call.

`Model.call` decides a request as the controller should and returns the answer as plain values: numbers, times in
seconds, sets of ids. A `reason` is a set where several rules are broken at once; any of them may be told.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from oracle import (
    model_configuration,
    model_facts,
    model_instances,
    model_pools,
    model_queries,
    model_requests,
    model_time,
)
from oracle.model_columns import METRICS, Scope, columns, instants, regrade
from oracle.model_records import OPEN, Flavor, Key, Policy, Provider, World
from oracle.model_requests import refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from oracle.model_cloud import FakeCloud

    from promise.events import Entry

Query = dict[str, Any]
Answer = dict[str, Any]


MADE = {"create-reservation": "reservation-id", "create-instance": "instance-id", "increase-capacity": "pool-id",
        "decrease-capacity": "pool-id"}  # fmt: skip
"""Where an answer has the id of what was made."""

CONSEQUENCES = frozenset({"reservation-degraded", "reservation-healed"})


class Model:
    """`clouds` says of each endpoint name what discovery finds there: bound, zones and flavors."""

    def __init__(self, now: int, policy: Policy) -> None:
        self.world = World(now, policy)

    def advance(self, now: int) -> None:
        model_time.advance(self.world, now)

    def add_provider(self, name: str, bound: dict[str, int], zones: dict[str, dict[str, int]], flavors: Any) -> Answer:
        known = [Flavor(one.id, one.name, dict(one.needs)) for one in flavors]
        self.world.providers[name] = Provider(name, dict(bound), dict(zones), known)
        return {"result": "ok", "provider-id": name, "capacity": dict(bound), "zones": set(zones)}

    def learn(self, clouds: Mapping[str, FakeCloud], entries: Iterable[Entry]) -> None:
        """Take what one commit says that clouds did; `clouds` are those of the providers.

        Each of several decisions in it has consequences of its own.
        """
        changed = False
        for entry in entries:
            if changed and entry.event.kind in CONSEQUENCES:
                regrade(self.world)
                changed = False
            changed |= model_facts.learn(self.world, clouds, entry)
        if changed:
            regrade(self.world)

    def call(self, operation: str, query: Query, told: Mapping[str, Any]) -> Answer:
        """Decide; ids that the controller has chosen are taken from `told`, what it answered."""
        if "idempotency-key" in query:
            return self._once(operation, query, told)
        return self._call(operation, query, told)

    def _once(self, operation: str, query: Query, told: Mapping[str, Any]) -> Answer:
        """A request with a key: the same again is the same record again, and another with it is refused."""
        world = self.world
        which = (world.user, operation, query["idempotency-key"])
        asked = {name: value for name, value in query.items() if name not in {"idempotency-key", "as"}}
        if (known := world.keys.get(which)) is not None:
            return self._again(operation, known.subject) if known.asked == asked else self._reused(operation, query)
        answer = self._call(operation, query, told)
        subject = answer.get(MADE[operation]) if operation in MADE else query["reservation-id"]
        if answer["result"] == "ok" and subject and not query.get("dry-run"):
            world.keys[which] = Key(asked, subject, world.now)
        return answer

    def _reused(self, operation: str, query: Query) -> Answer:
        """The key came before with another input."""
        found = self.world.reservations.get(query.get("reservation-id", ""))
        if operation == "update-reservation" and found is not None and self.world.sees(found):
            return refused("key-reused", reservation=model_requests.shown(self.world, found))
        return refused("key-reused", **({"status": "rejected"} if operation == "create-instance" else {}))

    def _again(self, operation: str, subject: str) -> Answer:
        world = self.world
        if operation == "create-instance":
            return model_instances.answered(world.instances[subject])
        if operation == "create-reservation":
            return model_requests.accepted(world, world.reservations[subject])
        if operation == "update-reservation":
            return {"result": "ok", "reservation": model_requests.shown(world, world.reservations[subject])}
        return {"result": "ok", "pool-id": subject}

    def _call(self, operation: str, query: Query, told: Mapping[str, Any]) -> Answer:
        answer = self._decided(operation, query, told)
        if not operation.startswith("query"):
            regrade(self.world)
            model_time.remember(self.world)
        if operation == "update-reservation" and answer["result"] == "ok" and not query.get("dry-run"):
            answer["reservation"] = model_requests.shown(self.world, self.world.reservations[query["reservation-id"]])
        return answer

    def _decided(self, operation: str, query: Query, told: Mapping[str, Any]) -> Answer:
        world = self.world
        decide: dict[str, Callable[[], Answer]] = {
            "increase-capacity": lambda: model_pools.add_pool(world, query, 1, told.get("pool-id")),
            "decrease-capacity": lambda: model_pools.add_pool(world, query, -1, told.get("pool-id")),
            "remove-pool": lambda: model_pools.remove_pool(world, query),
            "create-reservation": lambda: model_requests.create_reservation(world, query, told.get("reservation-id")),
            "update-reservation": lambda: model_requests.update_reservation(world, query),
            "cancel-reservation": lambda: model_requests.cancel(world, query),
            "create-instance": lambda: model_instances.create_instance(world, query, told),
            "destroy-instance": lambda: model_instances.destroy(world, query),
            "query-capacity": lambda: model_queries.query_capacity(world, query),
            "query-reservation": lambda: model_queries.query_reservation(world, query),
            "query-instance": lambda: model_queries.query_instance(world, query),
            "remove-provider": lambda: model_configuration.remove_provider(world, query),
        }
        return decide[operation]()

    def check(self) -> None:
        """What must hold at every instant of every scope, whatever was decided."""
        for provider in self.world.providers.values():
            for zone in (None, *provider.zones):
                for at in instants(self.world, provider.id, self.world.now, OPEN):
                    levels = columns(self.world, Scope(provider.id, zone), at)
                    for name in levels["total"]:
                        whole, reserved, usage, available, overdrawn = (levels[metric][name] for metric in METRICS)
                        assert whole + overdrawn == available + reserved + usage
                        assert min(whole, reserved, usage, available, overdrawn) >= 0, (zone, at, name, levels)


def differences(expected: Any, found: Any, path: str = "") -> list[str]:
    """Where a pruned answer is not as expected."""
    if isinstance(expected, dict) and isinstance(found, dict):
        names = sorted(set(expected) | set(found))
        parts = [differences(expected.get(name), found.get(name), f"{path}/{name}") for name in names]
        return list(itertools.chain.from_iterable(parts))
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        parts = [differences(a, b, f"{path}[{at}]") for at, (a, b) in enumerate(zip(expected, found, strict=True))]
        return list(itertools.chain.from_iterable(parts))
    if expected == found or (path.endswith("/reason") and isinstance(expected, set) and found in expected):
        return []
    return [f"{path}: expected {expected!r}, answered {found!r}"]


def pruned(value: Any) -> Any:
    """The value without what is empty: an absent capacity, list or set is an empty one."""
    if isinstance(value, dict):
        kept = {name: pruned(inner) for name, inner in value.items()}
        return {name: inner for name, inner in kept.items() if inner not in (None, {}, [], set())} or None
    if isinstance(value, list):
        return [pruned(one) for one in value] or None
    return None if value == set() else value
