"""Asking a cloud from asyncio: bounded threads, one sign-in for all, second tries for reads and for nothing else."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from promise.errors import CloudError, CloudUnreachable, OutcomeUnknown
from promise.vim.openstack import failures
from promise.vim.openstack.session import SERVICES, Answer, Grant, Limits, Session, not_in_catalog, verdict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
    from concurrent.futures import Future

    from promise.capacity.provider import Access

_LONGEST_PAUSE: Final = 10.0
S = TypeVar("S")
T = TypeVar("T")


class Calls:
    """One provider's threads and its sign-in. All methods may raise `errors.CloudError`."""

    def __init__(self, access: Access, password: str, limits: Limits) -> None:
        self.limits = limits
        self._region = access.region
        self._session = Session(access, password, limits)
        self._threads = ThreadPoolExecutor(limits.threads, thread_name_prefix="openstack")
        self._grant: Grant | None = None
        self._signing_in: asyncio.Task[Grant] | None = None
        self._closed = False

    async def grant(self) -> Grant:
        """Return the grant in force; of many who find it over, one signs in and all get what came of it."""
        if self._grant is not None and not self._grant.is_over:
            return self._grant
        if self._signing_in is None:
            self._signing_in = asyncio.create_task(self._sign_in())
            self._signing_in.add_done_callback(self._signed_in)
        return await asyncio.shield(self._signing_in)

    async def endpoint(self, service: str) -> str | None:
        """Return the URL of a service; None when the catalog has none."""
        return await self._endpoint(await self.grant(), service)

    async def read(self, service: str, path: str, key: str, **query: str) -> Any:
        """Read a JSON object, and return what it has under `key`; without it, it is no answer of OpenStack."""
        page = await self.get(service, path, **query)
        with failures.reading(SERVICES[service]):
            return page[key]

    async def get(self, service: str, path: str, **query: str) -> dict[str, Any]:
        """Read a JSON object, asking again after a passing failure."""
        for attempt in range(self.limits.retries + 1):
            outcome, pause = await self._read(service, path, query)
            if not isinstance(outcome, CloudError):
                return outcome
            if attempt == self.limits.retries or not failures.is_transient(outcome):
                raise outcome
            await asyncio.sleep(max(min(pause, _LONGEST_PAUSE), self.limits.back_off * 2**attempt))
        raise AssertionError  # the last attempt returns or raises

    async def pages(self, service: str, path: str, key: str, **query: str) -> list[dict[str, Any]]:
        """Read all pages of a list, each element once.

        The next page is asked for by marker: the links to it may name hosts and schemes that only the cloud knows.
        """
        found: dict[str, dict[str, Any]] = {}
        while True:
            page = await self.get(service, path, **query)
            with failures.reading(SERVICES[service]):
                new = {str(item["id"]): item for item in page[key]}
            if new.keys() <= found.keys():
                return list(found.values())
            found |= new
            if not _goes_on(page, key):
                return list(found.values())
            query["marker"] = list(new)[-1]

    async def act(self, method: str, service: str, path: str, body: Any = None) -> Answer:
        """Send one request that has an effect: once, and once more only when the token was not accepted.

        Raises:
            CloudRefused, CloudUnreachable, CredentialsRejected: nothing happened.
            OutcomeUnknown: it may have happened.
        """
        answer = await self._authorised(method, service, path, {}, body)
        if error := verdict(SERVICES[service], answer, effect=True):
            raise error
        return answer

    async def judge(self, token: str) -> Answer:
        """Ask Keystone once what somebody's token is worth; returns its answer, whatever it is."""
        return await self._authorised("GET", "identity", "/auth/tokens", {"nocatalog": ""}, token=token)

    @asynccontextmanager
    async def within(self, seconds: float, what: str) -> AsyncIterator[None]:
        """Bound reads in time, all together."""
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError:
            message = f"{what} at {self._session.where} took longer than {seconds:g} s"
            raise CloudUnreachable(message) from None

    def missing(self, service: str) -> CloudError:
        """Return the error for a service that the catalog does not name."""
        return not_in_catalog(service, self._session.where, self._region)

    async def close(self) -> None:
        """Stop; what is under way ends as if the cloud had broken it off, and what waits for a thread never begins."""
        self._closed = True
        self._threads.shutdown(wait=False)
        self._session.close()

    async def _sign_in(self) -> Grant:
        return await asyncio.wrap_future(self._submit(self._session.sign_in))

    def _signed_in(self, task: asyncio.Task[Grant]) -> None:
        self._signing_in = None
        if not task.cancelled() and task.exception() is None:
            self._grant = task.result()

    def _forget(self, grant: Grant) -> None:
        """Give up a token that a service did not accept, unless there is a newer one already."""
        if self._grant is grant:
            self._grant = None

    async def _endpoint(self, grant: Grant, service: str) -> str | None:
        if service in grant.endpoints:
            return grant.endpoints[service]
        return await asyncio.wrap_future(self._submit(lambda: self._session.endpoint(grant, service)))

    async def _read(
        self, service: str, path: str, query: Mapping[str, str]
    ) -> tuple[dict[str, Any] | CloudError, float]:
        """Return what was read, or why it was not, and the pause that the service asks for."""
        try:
            answer = await self._authorised("GET", service, path, query)
        except CloudError as lost:
            return lost, 0.0
        if error := verdict(SERVICES[service], answer, effect=False):
            return error, answer.pause
        if not isinstance(answer.body, dict):
            return CloudUnreachable(f"{SERVICES[service]} answered with something that is not a JSON object"), 0.0
        return answer.body, 0.0

    async def _authorised(
        self, method: str, service: str, path: str, query: Mapping[str, str], body: Any = None, token: str | None = None
    ) -> Answer:
        """Exchange with the token in force, and with new ones when it was not accepted; `token` is what it is about.

        Keystone revokes by whole seconds: a token of the second in which the password was changed is revoked with
        those before it. So the second new one is of another second.
        """
        for pause in (0.0, self.limits.revocation):
            grant = await self.grant()
            answer = await self._exchange(grant, method, service, path, query, body, token)
            if answer.status != failures.UNAUTHORIZED:
                return answer
            self._forget(grant)
            await asyncio.sleep(pause)
        return await self._exchange(await self.grant(), method, service, path, query, body, token)

    async def _exchange(
        self,
        grant: Grant,
        method: str,
        service: str,
        path: str,
        query: Mapping[str, str],
        body: Any,
        token: str | None = None,
    ) -> Answer:
        base = await self._endpoint(grant, service)
        if base is None:
            raise self.missing(service)
        more = {} if token is None else {"X-Subject-Token": token}
        ask = partial(self._session.exchange, service=service, query=query, body=body, more=more)
        future = self._submit(lambda: ask(grant, method, base + path))
        try:
            async with asyncio.timeout(self.limits.whole):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            raise _overdue(SERVICES[service], self.limits.whole, sent=not future.cancel(), method=method) from None

    def _submit(self, work: Callable[[], T]) -> Future[T]:
        """Give work to a thread. It looks again when its turn comes: a cancelled future would cancel who awaits it."""
        self._check_open()

        def unless_closed() -> T:
            self._check_open()
            return work()

        return self._threads.submit(unless_closed)

    def _check_open(self) -> None:
        if self._closed:
            raise CloudUnreachable(f"the driver for {self._session.where} is closed")


@asynccontextmanager
async def parallel() -> AsyncIterator[asyncio.TaskGroup]:
    """Run tasks side by side; when one fails the others are cancelled and its error, not a group, is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as failed:
        raise _first(failed) from None


async def each(ask: Callable[[S], Awaitable[T]], things: Iterable[S], at_once: int) -> list[T]:
    """Ask the same of many things side by side, so many at a time that threads are left for other calls."""
    turn = asyncio.Semaphore(at_once)

    async def in_turn(thing: S) -> T:
        async with turn:
            return await ask(thing)

    async with parallel() as group:
        tasks = [group.create_task(in_turn(thing)) for thing in things]
    return [task.result() for task in tasks]


def _goes_on(page: Mapping[str, Any], key: str) -> bool:
    """Tell whether another page follows: Nova, Neutron and Cinder list links, Glance has a `next`."""
    links = page.get(f"{key}_links") or ()
    return "next" in page or any(link.get("rel") == "next" for link in links if isinstance(link, dict))


def _overdue(who: str, seconds: float, *, sent: bool, method: str) -> CloudError:
    if sent and method != "GET":
        return OutcomeUnknown(f"{who} took the request, and did not answer it whole in {seconds:g} s")
    return CloudUnreachable(f"{who} did not answer in {seconds:g} s")


def _first(failed: BaseExceptionGroup[BaseException]) -> BaseException:
    inner = failed.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner
