"""What holds for all tests: no example has a time limit, and yanglint judges what Promise has said to their clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from evidence import EVIDENCE
from hypothesis import settings
from yanglint import judge

if TYPE_CHECKING:
    from collections.abc import Iterator

settings.register_profile("untimed", settings(), deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session", autouse=True)
def _what_was_said_is_valid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fail at the end of the session (with xdist, of each process) for what is not as the modules say."""
    yield
    complaints = EVIDENCE.complaints + judge(EVIDENCE.documents, tmp_path_factory.mktemp("yanglint"))
    if complaints:
        pytest.fail(f"{len(complaints)} invalid of {EVIDENCE.heard} heard:\n" + "\n".join(complaints), pytrace=False)
