"""Posts notifications to a callback-uri, one by one, signed, and without trusting whoever answers.

A post is a JSON body, {"ietf-restconf:notification": …} (RFC 8040 section 6.4), with the headers

    Promise-Subscription    the subscription's id
    Promise-Event           the event-id: the same when it is posted again, so that a receiver can tell
    Promise-Sequence        the place in the journal
    Promise-Signature       t=<seconds since 1970>,v1=<hex>, where a key was given: HMAC-SHA256, with that key, of
                            the seconds, a full stop and the body

Any 2xx says that it was taken. A redirect is not followed, the answer's body is not read beyond a little, and
link-local addresses, where clouds keep their metadata service, are not spoken to.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import ssl
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

MEDIA_TYPE: Final = "application/yang-data+json"
READ: Final = 4096
"""Bytes of an answer that are read, so that the connection can be used again."""

GONE: Final = 410
"""The receiver says that it will never be there again."""


class NotTaken(Exception):
    """A post was not taken; `final`: there is no use in trying again."""

    def __init__(self, why: str, *, final: bool = False) -> None:
        super().__init__(why)
        self.final = final


def signature(key: str, moment: int, body: bytes) -> str:
    """Return the value of Promise-Signature."""
    digest = hmac.new(key.encode(), b"%d." % moment + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


class Poster:
    """The HTTP client; `timeout` is in seconds, for a whole exchange."""

    def __init__(self, timeout: float) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._client: aiohttp.ClientSession | None = None

    async def post(self, uri: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Return when it was taken.

        Raises:
            NotTaken: it was not, as far as we know.
        """
        _refuse_odd(urlsplit(uri).hostname or "")
        if self._client is None:
            self._client = _client(self._timeout)
        headers = {"Content-Type": MEDIA_TYPE, **headers}
        try:
            async with self._client.post(uri, data=body, headers=headers, allow_redirects=False) as answer:
                await answer.content.read(READ)
                status = answer.status
        except TimeoutError:
            raise NotTaken(f"no answer within {self._timeout.total:g} s") from None
        except (aiohttp.ClientError, OSError, ssl.SSLError, ValueError, asyncio.LimitOverrunError) as error:
            raise NotTaken(f"{type(error).__name__}: {error}") from None
        if not 200 <= status < 300:  # noqa: PLR2004 - RFC 9110 section 15.3
            redirect = "; redirects are not followed" if 300 <= status < 400 else ""  # noqa: PLR2004
            raise NotTaken(f"the receiver answered {status}{redirect}", final=status == GONE)

    async def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            await self._client.close()


def _client(timeout: aiohttp.ClientTimeout) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(resolver=_Resolver(), limit=0, limit_per_host=16)
    return aiohttp.ClientSession(
        connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
    )


class _Resolver(AbstractResolver):
    """The usual resolver, but for names of odd places."""

    def __init__(self) -> None:
        self._usual = aiohttp.DefaultResolver()

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = 0,  # type: ignore[assignment]
    ) -> list[Any]:
        found = await self._usual.resolve(host, port, family)
        for each in found:
            _refuse_odd(each["host"])
        return list(found)

    async def close(self) -> None:
        await self._usual.close()


def _refuse_odd(host: str) -> None:
    """Raise NotTaken for an address that nobody's receiver has; names pass, until they are resolved."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return
    plain = getattr(address, "ipv4_mapped", None) or address
    if plain.is_link_local or plain.is_multicast or plain.is_unspecified:
        raise NotTaken(f"{host} is link-local, multicast or no address: nothing is posted there")
