"""The running configuration: the records as a tree, and a tree as records; pure."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from promise.allocation.configuration import Configuration
from promise.capacity.provider import Access, Provider
from promise.capacity.providers import moved_away, no_credentials
from promise.northbound import bindings as yang
from promise.northbound import subscribed
from promise.reservation.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promise.allocation.book import AllocationBook
    from promise.events import JSON
    from promise.northbound.datastore import Tree

TOP: Final = "opnfv-promise:promise"
_PROVIDERS: Final = yang.DATA["/promise/providers"]
_POLICY: Final = yang.DATA["/promise/policy"]
_RECORDS: Final = frozenset({"providers", "policy", subscribed.MEMBER})
_RULES: Final = (
    "max_future_start_range", "max_future_end_range", "max_duration", "expiry", "before_end", "at_end", "preempt",
    "unreserved", "alternatives", "search_horizon", "retention",
)  # fmt: skip
"""The leaves of promise/policy/reservation, which are the fields of `Policy`."""


def tree_of(book: AllocationBook) -> Tree:
    """Return what is configured."""
    tree = in_sections(book)
    inside = tree.get(TOP, {})
    if book.providers:
        inside["providers"] = [_body(_PROVIDERS, provider_config(record)) for record in book.providers.values()]
    if policy := policy_config(book.policy):
        inside["policy"] = _body(_POLICY, policy)
    if told := subscribed.bodies(book):
        inside[subscribed.MEMBER] = told
    return {**tree, TOP: inside} if inside else tree


def in_sections(book: AllocationBook) -> Tree:
    """Return what is configured beside the records that rooms work with."""
    tree: Tree = {}
    for name, section in book.sections.items():
        top, _, child = name.partition("/")
        if child:
            tree.setdefault(top, {})[child] = section.value
        else:
            tree[top] = section.value
    return tree


def sections_of(tree: Tree) -> dict[str, JSON]:
    """Return what is neither policy, provider nor subscription, by the ids of `configuration.model.Section`."""
    found = {top: value for top, value in tree.items() if top != TOP}
    inside = tree.get(TOP, {})
    return found | {f"{TOP}/{name}": inside[name] for name in inside if name not in _RECORDS}


def _body(data: Any, value: Any) -> Any:
    (body,) = data.encode_json(value).values()
    return body[0] if data.entry else body


def policy_config(policy: Policy) -> yang.PromisePolicy | None:
    """Return the policy as it is configured, None when nothing of it is."""
    said = {name: getattr(policy, name) for name in _RULES}
    if all(value is None for value in said.values()):
        return None
    return yang.PromisePolicy(reservation=yang.PromisePolicyReservation(**said))


def provider_config(record: Provider) -> yang.PromiseProviders:
    """Return a provider as it is configured: what is state, or not set, is absent."""
    access = record.access
    project = yang.Project(id=access.project_id, name=access.project_name, domain_name=access.project_domain_name)
    return yang.PromiseProviders(
        id=record.id,
        name=record.name,
        provider_type=record.provider_type,
        endpoint=access.endpoint,
        user_domain_name=access.user_domain_name,
        project=project if any(access.project[:3]) else None,
        region=access.region,
        credential=record.credential,
        capacity_source=record.capacity_source,
        overcommit=tuple(
            yang.PromiseProvidersOvercommit(resource=name, ratio=Decimal(ratio) / 1000)
            for name, ratio in record.overcommit.items()
        ),
        sync_interval=record.sync_interval,
        alarms=record.alarms,
    )


def configuration_of(tree: Tree, book: AllocationBook, usernames: Mapping[str, str] | None = None) -> Configuration:
    """Return what a valid tree configures, next to what is known of the providers that stay.

    `usernames` are those that belong to entries of the secret store which no provider of the book names any more.
    """
    saved = usernames or {}
    inside = tree.get(TOP, {})
    rules = _POLICY.decode_json({"opnfv-promise:policy": inside.get("policy", {})}).reservation
    policy = Policy(**{name: getattr(rules, name) for name in _RULES}) if rules else Policy()
    providers = []
    for entry in inside.get("providers", ()):
        asked = _PROVIDERS.decode_json({"opnfv-promise:providers": [entry]})
        providers.append(_record(asked, book.providers.get(asked.id), usernames_of(book), saved))
    return Configuration(policy, providers, sections_of(tree))


def usernames_of(book: AllocationBook) -> dict[str, str]:
    """Return the user name of each entry of the secret store that a provider names, as far as it has one."""
    return {one.secret: one.access.username for one in book.providers.values() if one.access.username}


def _record(
    asked: yang.PromiseProviders, known: Provider | None, usernames: Mapping[str, str], saved: Mapping[str, str]
) -> Provider:
    """Return the record of a provider that is configured so; what was seen of its cloud stays while it is the same."""
    project = asked.project or yang.Project()
    assert asked.id
    assert asked.name
    assert asked.provider_type
    assert asked.endpoint
    secret = asked.credential or asked.id
    username = saved.get(secret, "") or usernames.get(secret, "")
    if known is not None and secret not in saved and moved_away(known, asked.endpoint, asked.credential):
        username = ""
    access = Access(
        endpoint=asked.endpoint,
        username=username,
        user_domain_name=asked.user_domain_name,
        project_id=project.id,
        project_name=project.name,
        project_domain_name=project.domain_name,
        region=asked.region,
    )
    bare = Provider(
        id=asked.id,
        name=asked.name,
        provider_type=asked.provider_type,
        access=access,
        credential=asked.credential,
        position=0,
        capacity_source=asked.capacity_source,
        overcommit={entry.resource: int(entry.ratio * 1000) for entry in asked.overcommit},
        sync_interval=asked.sync_interval,
        alarms=asked.alarms,
        last_error=None if username else no_credentials(asked.id),
    )
    if known is None or known.access.project != access.project:
        return bare
    return replace(
        bare,
        discovery=known.discovery,
        reachable=known.reachable and bool(username),
        last_sync=known.last_sync,
        last_error=known.last_error if username else bare.last_error,
    )
