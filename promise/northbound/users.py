"""The users of the configuration: who they are, the hashes of their passwords and the keys they come with."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from promise.northbound.access import Identity, host_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from promise.northbound.brakes import Brakes

COST: Final = 2**14
BLOCK_SIZE: Final = 8
PARALLELISM: Final = 1
"""scrypt parameters (RFC 7914): 16 MiB and some 40 ms for one guess."""

SALT_SIZE: Final = 16
KEY_SIZE: Final = 32
MEMORY: Final = 256 * 1024 * 1024
MOST_PARALLELISM: Final = 16
LONGEST_PASSWORD: Final = 1024

_log: Final = structlog.get_logger(__name__)


class BadCredential(ValueError):
    """A password hash or a public key of the configuration that cannot be read."""


@dataclass(frozen=True, slots=True)
class User:
    """A user as configured.

    `password_hash` is what `hash_password` returned, empty for a user without password; `public_keys` are key
    blobs as `public_key` returns them.
    """

    username: str
    groups: frozenset[str] = frozenset()
    project: str = ""
    password_hash: str = ""
    public_keys: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class _Hash:
    """The parts of "scrypt$N$r$p$salt$key"."""

    cost: int
    block_size: int
    parallelism: int
    salt: bytes
    key: bytes


def hash_password(password: str) -> str:
    """Return the text to configure for a password: "scrypt$N$r$p$salt$key", salt and key in base64."""
    salt = os.urandom(SALT_SIZE)
    return _written(salt, _derive(password, _Hash(COST, BLOCK_SIZE, PARALLELISM, salt, b"")))


def _written(salt: bytes, key: bytes) -> str:
    encoded = [base64.b64encode(value).decode() for value in (salt, key)]
    return "$".join(["scrypt", str(COST), str(BLOCK_SIZE), str(PARALLELISM), *encoded])


def _hash_of_nobody() -> str:
    """Return a hash as costly to compare with as any other, which is that of no password: its key is random."""
    return _written(os.urandom(SALT_SIZE), os.urandom(KEY_SIZE))


def verify_password(password: str, password_hash: str) -> bool:
    """Tell whether this is the password of the hash; raises BadCredential when the hash cannot be read.

    Takes tens of milliseconds of a processor, on purpose: keep it off the event loop.
    """
    parts = _read_hash(password_hash)
    return hmac.compare_digest(_derive(password, parts), parts.key)


def public_key(line: str) -> bytes:
    """Return the blob of an OpenSSH public key line, "ssh-ed25519 AAAA... comment"; raises BadCredential."""
    match line.split(None, 2):
        case [algorithm, encoded, *_]:
            try:
                blob = base64.b64decode(encoded, validate=True)
            except binascii.Error:
                raise BadCredential(f"the public key {line[:40]!r} is not in base64") from None
            name = algorithm.encode()
            if blob.startswith(len(name).to_bytes(4, "big") + name):
                return blob
    raise BadCredential(f'{line[:40]!r} is not a public key of the form "algorithm key comment"')


def _read_hash(text: str) -> _Hash:
    try:
        scheme, cost, block_size, parallelism, salt, key = text.split("$")
        numbers = int(cost), int(block_size), int(parallelism)
        parts = _Hash(*numbers, base64.b64decode(salt, validate=True), base64.b64decode(key, validate=True))
    except ValueError:
        raise BadCredential('a password hash must have the form "scrypt$N$r$p$salt$key"') from None
    if scheme != "scrypt" or not parts.key:
        raise BadCredential('a password hash must have the form "scrypt$N$r$p$salt$key"')
    power_of_two = parts.cost > 1 and parts.cost & (parts.cost - 1) == 0
    memory = 128 * parts.cost * parts.block_size
    if not (power_of_two and parts.block_size > 0 and 0 < parts.parallelism <= MOST_PARALLELISM and memory <= MEMORY):
        raise BadCredential(f"a password hash must have a power of two as N, and need at most {MEMORY >> 20} MiB")
    return parts


def _derive(password: str, parts: _Hash) -> bytes:
    return hashlib.scrypt(
        password.encode("utf-8", "surrogatepass"),
        salt=parts.salt,
        n=parts.cost,
        r=parts.block_size,
        p=parts.parallelism,
        dklen=len(parts.key) or KEY_SIZE,
        maxmem=2 * MEMORY,
    )


class Directory(Protocol):
    """Further users, who come and go."""

    def user(self, name: str) -> User | None:
        """Return a user without its password, None when there is none of that name."""

    async def password_hash(self, name: str) -> str:
        """Return the hash of a user's password, empty when there is none."""


class Users:
    """The authenticator of users that are configured, in the file or besides.

    A password that was right is recognised again by a keyed digest (the key is made anew with every process), so
    that only the first log-in and wrong guesses cost the full price of scrypt. Guesses wait for one of `workers`
    threads, which bounds the memory and the processors that strangers can make us spend; `brakes` bound how many come.
    """

    def __init__(self, users: Iterable[User], *, workers: int = 2, brakes: Brakes | None = None) -> None:
        self._brakes = brakes
        self.directory: Directory | None = None
        self._users = {user.username: user for user in users}
        for user in self._users.values():
            if user.password_hash:
                _read_hash(user.password_hash)
        self._nobody = _hash_of_nobody()
        self._secret = os.urandom(KEY_SIZE)
        self._proved: dict[str, bytes] = {}
        self._verifying: dict[bytes, asyncio.Future[bool]] = {}
        self._threads = ThreadPoolExecutor(workers, "password")

    async def by_password(self, username: str, password: str, source: str = "") -> Identity | None:
        """Return who this is, or None; unknown users cost as much as wrong passwords, and are braked as soon."""
        if len(password) > LONGEST_PASSWORD:
            return None
        user = self._user(username)
        expected = user.password_hash if user else ""
        if self.directory is not None and username not in self._users:  # also for unknown ones: they take as long
            kept = await self.directory.password_hash(username)
            expected = kept if user else ""
        proof = self._digest(username, expected, password)
        known = hmac.compare_digest(self._proved.get(username, b""), proof)
        if known and self._brakes is not None:
            known = self._brakes.recognizes(username, host_of(source))
        if not known:
            if not await self._guessed(username, password, expected, proof, host_of(source)):
                return None
            self._proved[username] = proof
        return _identity(user) if user else None

    async def _guessed(self, username: str, password: str, expected: str, proof: bytes, host: str) -> bool:
        """Tell whether a password is right that was not proved before; the same one at the same time is one guess."""
        counts = self._brakes is not None and proof not in self._verifying
        if self._brakes is not None and counts and not self._brakes.admits(username, host):
            _log.info("log-in-braked", user=username, source=host)
            return False
        right = await self._verified(password, expected or self._nobody, proof) and bool(expected)
        if self._brakes is not None and counts and right:
            self._brakes.excuse(username, host)
        return right

    async def _verified(self, password: str, password_hash: str, proof: bytes) -> bool:
        """Verify once, however many ask the same at the same time (a thousand sessions of one orchestrator)."""
        if proof not in self._verifying:
            loop = asyncio.get_running_loop()
            verifying = loop.run_in_executor(self._threads, verify_password, password, password_hash)
            self._verifying[proof] = verifying
            verifying.add_done_callback(lambda _: self._verifying.pop(proof))
        return await asyncio.shield(self._verifying[proof])

    def by_public_key(self, username: str, key: bytes) -> Identity | None:
        """Return who this is, or None when the user does not exist or has not this key."""
        user = self._user(username)
        known = user.public_keys if user else (b"",)
        found = [hmac.compare_digest(candidate, key) for candidate in known]
        return _identity(user) if user and any(found) else None

    def by_certificate(self, username: str) -> Identity | None:
        """Return who has proved with a certificate to be this user, or None when he does not exist."""
        user = self._user(username)
        return _identity(user) if user else None

    @property
    def names(self) -> frozenset[str]:
        """The names of those in the file."""
        return frozenset(self._users)

    def knows(self, username: str) -> bool:
        """Tell whether there is a user of this name."""
        return self._user(username) is not None

    def groups(self, username: str) -> frozenset[str]:
        """Return the groups of a user, none for one that does not exist."""
        user = self._user(username)
        return user.groups if user else frozenset()

    def _user(self, username: str) -> User | None:
        found = self._users.get(username)
        if found is None and self.directory is not None:
            return self.directory.user(username)
        return found

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _digest(self, username: str, expected: str, password: str) -> bytes:
        text = f"{username}\0{expected}\0{password}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, key=self._secret).digest()


def _identity(user: User) -> Identity:
    return Identity(user.username, user.groups, user.project)
