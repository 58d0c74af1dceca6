"""What there is to know of the configuration in the ledger's state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from promise.configuration.model import Revision, Section


class ConfigurationBook(Protocol):
    """The sections, and the revision in force."""

    @property
    def sections(self) -> Mapping[str, Section]:
        """Return every section that is configured, by id."""

    @property
    def revision(self) -> Revision:
        """Return which revision is in force, and whether on trial."""
