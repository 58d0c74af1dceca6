"""A YANG module as the protocols speak of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Module:
    """Name, revision, namespace and prefix of a module; `file` is its text, relative to the directory `yang`.

    `features` are the features that it defines and that we support. A module that is only imported for its types
    and groupings has the conformance `import` (RFC 8525), else `implement`.
    """

    name: str
    revision: str
    namespace: str
    prefix: str
    file: str
    features: tuple[str, ...] = ()
    conformance: str = "implement"
