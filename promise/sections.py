"""What the tables of the configuration file have in common, and those that stand alone."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A table of the file: unknown keys are errors, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SubscriptionConfig(Section):
    """The `[subscription]` table: what subscribers may take."""

    max_established: int = Field(
        64, ge=1, description="subscriptions of RFC 8639 on a session, or of a user over RESTCONF"
    )
    max_own: int = Field(
        256, ge=1, description="those of subscribe-*-events, there as well, and of a user with a callback-uri"
    )
    max_streams_per_user: int = Field(1024, ge=1, description="event streams that a user reads over RESTCONF at a time")
    max_waiting: int = Field(
        512,
        ge=16,
        description="notifications beside the journal that wait for a slow subscriber, at most",
    )
