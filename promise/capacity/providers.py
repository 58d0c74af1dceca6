"""The decisions on providers: which may be added, and what a look at its cloud changes; pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from promise.capacity.provider import Provider
from promise.capacity.refusal import Reason, Refusal
from promise.events import Decision, fact

if TYPE_CHECKING:
    from promise.capacity.book import CapacityBook
    from promise.capacity.provider import Access, Discovery


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
        names.add(f"{access.project_domain_name or access.user_domain_name}/{access.project_name}")
    return {name for name in names if name}


def project_names(access: Access) -> tuple[str | None, ...]:
    """Return what the project of an access is called before anybody has looked."""
    if access.project_id is not None:
        return (access.project_id,)
    return (f"{access.project_domain_name or access.user_domain_name}/{access.project_name}",)


def add(
    book: CapacityBook, request: AddProvider, discovery: Discovery, password: str, now: int
) -> Decision[Added | Refusal]:
    """Add the provider with what was found there; its password goes to the side table."""
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
        credential=request.id,
        position=1 + max((known.position for known in book.providers.values()), default=0),
        capacity_source=request.capacity_source,
        discovery=discovery,
        reachable=True,
        last_sync=now,
    )
    return Decision(Added(provider), (fact("provider-added", provider),), {provider.credential: password})


def seen(book: CapacityBook, provider: str, discovery: Discovery, now: int) -> Decision[None]:
    """Take over what a look at the cloud found; a look that finds no difference changes nothing (design section 7)."""
    known = book.providers.get(provider)
    if known is None or (known.discovery == discovery and known.reachable):
        return Decision(None)
    changed = replace(known, discovery=discovery, reachable=True, last_sync=now, last_error=None)
    return Decision(None, (fact("provider-synced", changed),))


def unseen(book: CapacityBook, provider: str, why: str) -> Decision[None]:
    """Record that a provider does not answer; what it can give stays what it was at the last look."""
    known = book.providers.get(provider)
    if known is None or (not known.reachable and known.last_error == why):
        return Decision(None)
    return Decision(None, (fact("provider-unreachable", replace(known, reachable=False, last_error=why)),))
