"""The file of an embedded ledger: its folder, who may read it, and that one server at a time has it."""

from __future__ import annotations

import errno
import fcntl
import os
from typing import TYPE_CHECKING

from promise.errors import LedgerUnusable

if TYPE_CHECKING:
    from pathlib import Path


class StateFile:
    """Holds the database file at `path` for this process until `release`; the kernel releases it when we die.

    Folders that are missing are made with mode 0700; the file has mode 0600, as it holds secrets, and SQLite gives
    its -wal and -shm files the same. `LedgerUnusable` when another server holds it, `OSError` as the system says.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        _make_folder(self.path.parent)
        self._lock = os.open(self.path.with_name(self.path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._claim()
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            self.path.chmod(0o600)
        except BaseException:
            self.release()
            raise

    def _claim(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._lock, 32).decode("ascii", "replace").strip() or "unknown"
            raise LedgerUnusable(
                f"another server (process {holder}) is using it; every server needs a state directory of its own"
            ) from None
        os.truncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let another server have the file. The lock file stays: removing it would let two servers in."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    if folder.exists():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
    _make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    parent = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(parent)  # else a power failure could take the folder, and all answers given, with it
    finally:
        os.close(parent)
