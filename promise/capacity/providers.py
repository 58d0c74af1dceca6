"""The decisions on providers: which may be there, with which credentials, and what a look at a cloud changes; pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from promise.capacity.provider import Provider
from promise.capacity.refusal import Reason, Refusal
from promise.events import Decision, fact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from promise.capacity.book import CapacityBook
    from promise.capacity.provider import Access, Discovery
    from promise.events import Event


@dataclass(frozen=True, slots=True)
class AddProvider:
    """A cloud to draw on; `id` is the id that the provider gets. The password is kept aside under that id."""

    id: str
    access: Access
    provider_type: str = "openstack"
    name: str | None = None
    capacity_source: str | None = None


@dataclass(frozen=True, slots=True)
class Added:
    """The provider as it was added."""

    provider: Provider


def plain_endpoint(endpoint: str) -> str:
    """Return an endpoint in the form in which two of one Keystone are equal: lower-case host, no /v3, no slash."""
    parts = urlsplit(endpoint.strip())
    path = parts.path.rstrip("/").removesuffix("/v3")
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}{path.rstrip('/')}"


def duplicate(book: CapacityBook, access: Access, project: tuple[str | None, ...]) -> Refusal | None:
    """Return the refusal of a second provider with the endpoint, project and region of one that is there.

    `project` holds what the project may be called: its id, or its name, as far as they are known.
    """
    for known in book.providers.values():
        same_cloud = plain_endpoint(known.access.endpoint) == plain_endpoint(access.endpoint)
        if same_cloud and known.access.region == access.region and _names(known).intersection(project):
            return Refusal(
                Reason.PROVIDER_DUPLICATE, f"provider {known.id} is this project of this cloud", provider=known.id
            )
    return None


def _names(provider: Provider) -> set[str]:
    access, found = provider.access, provider.discovery
    names = {access.project_id, found.project_id if found else None}
    if access.project_id is None and access.project_name is not None:
        names.add(f"{access.project_domain}/{access.project_name}")
    return {name for name in names if name}


def project_names(access: Access) -> tuple[str | None, ...]:
    """Return what the project of an access is called before anybody has looked."""
    if access.project_id is not None:
        return (access.project_id,)
    return (f"{access.project_domain}/{access.project_name}",)


def add(
    book: CapacityBook, request: AddProvider, discovery: Discovery, password: str, now: int, session: int = 0
) -> Decision[Added | Refusal]:
    """Add the provider with what was found there, as a session asks; its password goes to the side table."""
    access = request.access
    refusal = duplicate(book, access, (*project_names(access), discovery.project_id))
    if refusal:
        return Decision(refusal)
    name = request.name or f"{discovery.project_name}@{urlsplit(access.endpoint).hostname}"
    taken = {known.name for known in book.providers.values()}
    if request.name and name in taken:
        return Decision(Refusal(Reason.PROVIDER_DUPLICATE, f"there is a provider with the name {name}"))
    provider = Provider(
        id=request.id,
        name=name if name not in taken else f"{name}-{request.id[:8]}",
        provider_type=request.provider_type,
        access=access,
        credential=None,
        position=1 + max((known.position for known in book.providers.values()), default=0),
        capacity_source=request.capacity_source,
        discovery=discovery,
        reachable=True,
        last_sync=now,
    )
    return Decision(Added(provider), (fact("provider-added", provider, session=session),), {provider.secret: password})


def no_credentials(provider: str) -> str:
    """Return what the health of a provider without password says."""
    return f"provider {provider} has no credentials; set-provider-credentials gives it some"


def moved_away(known: Provider, endpoint: str, credential: str | None) -> bool:
    """Tell whether a password of a provider's own would go to another endpoint than the one for which it was set.

    It does not: it is forgotten. An entry of the secret store that the configuration names goes wherever that says.
    """
    own = known.credential is None and credential is None
    return own and plain_endpoint(known.access.endpoint) != plain_endpoint(endpoint)


def missing(book: CapacityBook, provider: str) -> Refusal | None:
    """Return the refusal where there is no such provider."""
    if provider in book.providers:
        return None
    return Refusal(Reason.NOT_FOUND, f"there is no provider {provider}")


def renew(
    book: CapacityBook, provider: str, access: Access, discovery: Discovery, password: str, now: int
) -> Decision[Provider | Refusal]:
    """Take new credentials, which have opened the cloud with this access and shown this.

    They are those of every provider that names the same entry of the secret store.
    """
    known = book.providers.get(provider)
    if known is None:
        return Decision(Refusal(Reason.NOT_FOUND, f"there is no provider {provider}"))
    if replace(known.access, username=access.username) != access:
        return Decision(Refusal(Reason.CHANGED, "the provider was changed meanwhile; ask again"))
    for other in book.providers.values():
        found = replace(known, access=access, discovery=discovery)
        if other.id != provider and _same(found, other):
            return Decision(Refusal(Reason.PROVIDER_DUPLICATE, f"this is the project of provider {other.id}"))
    changed = replace(known, access=access, discovery=discovery, reachable=True, last_sync=now, last_error=None)
    sharing = [
        replace(other, access=replace(other.access, username=access.username))
        for other in book.providers.values()
        if other.secret == known.secret and other.id != provider
    ]
    events = tuple(fact("provider-changed", one, credentials=True) for one in (changed, *sharing))
    return Decision(changed, events, {known.secret: password})


def configured(book: CapacityBook, wanted: Sequence[Provider]) -> list[Event] | Refusal:
    """Return how those providers come to be that are configured, in this order; each has the id of its record.

    What a look has found stays, but that of another project. A new provider is looked at once this is durable.
    """
    if refusal := _twice(wanted):
        return refusal
    return [
        fact("provider-changed" if provider.id in book.providers else "provider-added", provider)
        for provider in _placed(book, wanted)
        if book.providers.get(provider.id) != provider
    ]


def _twice(wanted: Sequence[Provider]) -> Refusal | None:
    """Return the refusal of two that are one project of one cloud."""
    for number, one in enumerate(wanted):
        for other in wanted[:number]:
            if _same(one, other):
                why = f"it has the endpoint, project and region of provider {other.id}"
                return Refusal(Reason.PROVIDER_DUPLICATE, why, provider=one.id)
    return None


def _same(one: Provider, other: Provider) -> bool:
    """Tell whether two are one project of one cloud, as far as it is known."""
    here, there = one.access, other.access
    if plain_endpoint(here.endpoint) != plain_endpoint(there.endpoint) or here.region != there.region:
        return False
    names, others = _names(one), _names(other)
    return bool(names & others) or not (names or others)


def _placed(book: CapacityBook, wanted: Sequence[Provider]) -> Iterator[Provider]:
    """Yield the wanted ones with positions in their order; those of the old ones stay if that is possible."""
    last = 0
    old = [book.providers[provider.id].position for provider in wanted if provider.id in book.providers]
    new_last = all(provider.id in book.providers for provider in wanted[: len(old)])
    keep = new_last and old == sorted(set(old))
    for provider in wanted:
        known = book.providers.get(provider.id)
        last = known.position if keep and known else last + 1
        yield replace(provider, position=last)


def forsaken(book: CapacityBook, left: Iterable[Provider]) -> dict[str, str | None]:
    """Return the entries of the secret store that nobody uses once these providers are those that are left."""
    named = {provider.secret for provider in left if provider.access.username}
    return {provider.secret: None for provider in book.providers.values() if provider.secret not in named}


def source_of(provider: Provider) -> str | None:
    """Return by which source to look at a cloud: the configured one, else Placement once that was ever read.

    A Placement that is closed for a moment (a gateway's 403 or 404) would else replace what hosts have by the quotas,
    and take from reservations what nobody has lost. None = as the cloud lets us.
    """
    return provider.capacity_source or ("placement" if provider.inventoried else None)


def seen(book: CapacityBook, provider: str, discovery: Discovery, now: int, access: Access) -> Decision[None]:
    """Take over what a look at the cloud found; a look that finds no difference changes nothing (design section 7).

    `access` is how the cloud was reached: a provider that is reached otherwise by now was not seen. Whether it is
    reachable shows when its other services have been looked at too: `reached` or `unseen` says it.
    """
    known = book.providers.get(provider)
    if known is None or known.access != access or known.discovery == discovery:
        return Decision(None)
    return Decision(None, (fact("provider-synced", replace(known, discovery=discovery, last_sync=now)),))


def reached(book: CapacityBook, provider: str, now: int, access: Access) -> Decision[None]:
    """Record that all services of a cloud answer, where that was not so before."""
    known = book.providers.get(provider)
    if known is None or known.access != access or known.discovery is None or known.reachable:
        return Decision(None)
    return Decision(None, (fact("provider-synced", replace(known, reachable=True, last_sync=now, last_error=None)),))


def unseen(book: CapacityBook, provider: str, why: str) -> Decision[None]:
    """Record that a provider does not answer; what it can give stays what it was at the last look."""
    known = book.providers.get(provider)
    if known is None or (not known.reachable and known.last_error == why):
        return Decision(None)
    return Decision(None, (fact("provider-unreachable", replace(known, reachable=False, last_error=why)),))
