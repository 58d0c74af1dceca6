"""The keys by which the server is known: made once, kept in the state directory, readable for us alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import asyncssh

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ALGORITHMS: Final = {"ssh_host_ed25519_key": "ssh-ed25519", "ssh_host_ecdsa_key": "ecdsa-sha2-nistp256"}
"""File name to algorithm. The second is for clients that do not know the first (older JSch)."""


class UnusableHostKey(Exception):
    """A file that should hold a host key holds none, or one that is protected by a passphrase."""


def host_keys(directory: Path) -> list[asyncssh.SSHKey]:
    """Return the host keys of this state directory, made now where they are missing; raises UnusableHostKey."""
    directory.mkdir(parents=True, exist_ok=True)
    return [_kept(directory / name, algorithm) for name, algorithm in ALGORITHMS.items()]


def given_host_keys(paths: Sequence[Path]) -> list[asyncssh.SSHKey]:
    """Return the host keys in files that the configuration names; raises UnusableHostKey."""
    return [_read(path) for path in paths]


def _kept(path: Path, algorithm: str) -> asyncssh.SSHKey:
    """Read a key, or make it; a file is either whole or absent, also when two of us start at once."""
    if not path.exists():
        key = asyncssh.generate_private_key(algorithm, comment="promise")
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.export_private_key())
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:  # somebody else was faster: his key it is
            pass
        finally:
            draft.unlink()
    return _read(path)


def _read(path: Path) -> asyncssh.SSHKey:
    try:
        return asyncssh.read_private_key(path)
    except (OSError, asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        raise UnusableHostKey(f"{path} holds no usable host key: {error}") from error
