"""Projects, users, roles and tokens, as Keystone has them; all begins in the domain Default, `enroll` adds others."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from promise.vim.simulator.world.names import bare, lasting

if TYPE_CHECKING:
    from promise.vim.simulator.options import SimulatorOptions

DOMAIN_ID: Final = "default"
DOMAIN_NAME: Final = "Default"
ROLES: Final = ("admin", "member", "reader")
_IMPLIED: Final = {"admin": ("admin", "member", "reader"), "member": ("member", "reader"), "reader": ("reader",)}


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain: users and projects have names of their own in each."""

    id: str = DOMAIN_ID
    name: str = DOMAIN_NAME


DEFAULT: Final = Domain()


@dataclass(frozen=True, slots=True)
class Project:
    """A project of a domain."""

    id: str
    name: str
    domain: Domain = DEFAULT


@dataclass(slots=True)
class User:
    """A user and what they may do where: `grants` is role by project id, or by "system"."""

    id: str
    name: str
    password: str
    grants: dict[str, str] = field(default_factory=dict)
    domain: Domain = DEFAULT


@dataclass(frozen=True, slots=True)
class Token:
    """Who asks, in which project (None = unscoped), with which roles, until when."""

    secret: str
    user: User
    project: Project | None
    roles: tuple[str, ...]
    issued: float
    expires: float
    methods: tuple[str, ...]
    audit_id: str
    scope: str = "project"

    @property
    def admin(self) -> bool:
        """Tell whether this token carries the role admin."""
        return "admin" in self.roles

    @property
    def project_id(self) -> str:
        """Return the project that the token is scoped to, empty when there is none."""
        return self.project.id if self.project else ""


class Identity:
    """Everybody who may ask, and the tokens that they were given."""

    def __init__(self, options: SimulatorOptions) -> None:
        self._token_seconds = options.token_seconds
        self.projects = {
            project.id: project
            for project in (Project(bare(lasting("project", name)), name) for name in options.projects)
        }
        self.users: dict[str, User] = {}
        self.tokens: dict[str, Token] = {}
        for name in options.projects:
            self._person(name, name, "admin" if name == "admin" else "member")
        promise = self._project_named("promise")
        if options.promise_admin:
            self.user_named("promise").grants[promise.id] = "admin"
        self._person("member", "promise", "member")
        admin = self.user_named("admin")
        admin.grants.update(dict.fromkeys([*self.projects, "system"], "admin"))

    def _person(self, name: str, project: str, role: str) -> None:
        user = User(bare(lasting("user", name)), name, name, {self._project_named(project).id: role})
        self.users[user.id] = user

    def enroll(self, name: str, project: str, role: str = "member", domain: str = DOMAIN_NAME) -> User:
        """Make a user (whose password is the name) and, where it is not there, the project in which he has a role."""
        where = DEFAULT if domain == DOMAIN_NAME else Domain(bare(lasting("domain", domain)), domain)
        found = next((one for one in self.projects.values() if (one.name, one.domain) == (project, where)), None)
        if found is None:
            found = Project(bare(lasting("project", f"{domain}/{project}")), project, where)
            self.projects[found.id] = found
        user = User(bare(lasting("user", f"{domain}/{name}")), name, name, {found.id: role}, where)
        self.users[user.id] = user
        return user

    def _project_named(self, name: str) -> Project:
        return next(project for project in self.projects.values() if project.name == name)

    def user_named(self, name: str) -> User:
        """Return the user with this name; KeyError when there is none."""
        for user in self.users.values():
            if user.name == name:
                return user
        raise KeyError(name)

    def issue(self, user: User, scope: str, project: Project | None, methods: tuple[str, ...], now: float) -> Token:
        """Give out a token for a scope ("project", "system", "domain" or "none")."""
        self._forget_expired(now)
        where = project.id if project else "system"
        roles = _IMPLIED[user.grants[where]] if scope != "none" else ()
        token = Token(
            secret="gAAAAA" + secrets.token_urlsafe(120),
            user=user,
            project=project,
            roles=roles,
            issued=now,
            expires=now + self._token_seconds,
            methods=methods,
            audit_id=secrets.token_urlsafe(16),
            scope=scope,
        )
        self.tokens[token.secret] = token
        return token

    def _forget_expired(self, now: float) -> None:
        """Drop the oldest tokens that are over; all live equally long, so they expire in the order of their issue."""
        while self.tokens and (oldest := next(iter(self.tokens.values()))).expires <= now:
            del self.tokens[oldest.secret]

    def token(self, secret: str, now: float) -> Token | None:
        """Return the token while it is valid; one that has expired is forgotten."""
        token = self.tokens.get(secret)
        if token and token.expires <= now:
            del self.tokens[secret]
            return None
        return token
