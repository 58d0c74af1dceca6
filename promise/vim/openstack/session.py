"""One exchange at a time with one project of one cloud: sign in, find a service, ask. Blocking, for threads.

openstacksdk finds the services (catalog, version discovery); keystoneauth carries the token and the requests. All of
it is built from `Access` alone: no clouds.yaml, no OS_* variable and no .netrc of the machine is ever read. Nothing is
logged by the libraries, whose debug logs would show bodies (user data, admin passwords).
"""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import requests
from keystoneauth1.exceptions import ClientException
from keystoneauth1.identity import v3
from keystoneauth1.session import Session as KeystoneSession
from openstack.connection import Connection
from openstack.exceptions import SDKException, ServiceDisabledException

from promise.errors import BadValue, CloudError, CloudRefused, CredentialsRejected
from promise.vim.openstack import failures
from promise.vim.openstack.wires import Wires

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keystoneauth1.access import AccessInfo

    from promise.capacity.provider import Access

log = logging.getLogger(__name__)

SERVICES: Final = {
    "compute": "Nova", "placement": "Placement", "image": "Glance", "network": "Neutron", "block_storage": "Cinder",
    "identity": "Keystone",
}  # fmt: skip
"""The services that are used, by openstacksdk's name; the other is for people."""

NOVA: Final = "compute 2.69"
"""Stein. 2.47 puts the flavor into the server, 2.61 its extra specs into both, 2.69 lists servers of cells that are
down instead of leaving them out, as if they were gone."""

PLACEMENT: Final = "placement 1.14"
"""Rocky. 1.12 has the project of a consumer, 1.14 the root of a nested provider."""

VERSIONS: Final = {"compute": NOVA, "placement": PLACEMENT}

_NOT_OPENSTACK: Final = (
    ClientException, SDKException, requests.RequestException,
    KeyError, TypeError, ValueError, AttributeError, IndexError,
)  # fmt: skip
"""What the libraries raise when an endpoint is not there, or answers something else than OpenStack."""

_NOT_IN_A_URL: Final = re.compile(r"[\x00-\x20\x7f]")

_TOKEN_MARGIN: Final = 5
"""Seconds before its end from which a token counts as over."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait (seconds), how often to ask again, and how much at once, per provider.

    `connect` and `read` are for one exchange, `read` also for a look-up with retries and all, as a consumer waits for
    it; `discovery` and `whole` are for all of a discovery and of any other verb.
    `revocation` is how long a new token may be taken for one of those that Keystone has revoked.
    A read that met a passing failure is asked again up to `retries` times, after `back_off`, twice that, and so on.
    """

    connect: float = 5.0
    read: float = 30.0
    discovery: float = 30.0
    whole: float = 90.0
    retries: int = 3
    back_off: float = 0.25
    revocation: float = 1.1
    threads: int = 16


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service answered: status, decoded JSON (None when it is none), and what an error says of its reason.

    `moment` is the service's clock in seconds of UTC (0 when it did not tell), `pause` the seconds after which it
    wants to be asked again.
    """

    status: int
    body: Any
    said: str = ""
    moment: int = 0
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class Grant:
    """What a sign-in gave: the token and its project, and where the services are while it lasts."""

    token: str = field(repr=False)
    project_id: str
    project_name: str
    access: AccessInfo = field(repr=False)
    connection: Connection = field(repr=False)
    endpoints: dict[str, str | None] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Tell whether the token has ended, or will before it can be used."""
        return self.access.will_expire_soon(_TOKEN_MARGIN)


class Session:
    """The sign-in of one provider. Every method blocks; all raise `errors.CloudError`."""

    def __init__(self, access: Access, password: str, limits: Limits) -> None:
        self.where = keystone_url(access.endpoint)
        self._region = access.region
        self._http = requests.Session()
        self._http.auth = _no_netrc
        self._wires = Wires(limits.connect, limits.read, limits.threads)
        for scheme in ("http://", "https://"):
            self._http.mount(scheme, self._wires)
        self._plugin = partial(_password_of, self.where, access, password)
        self._found: dict[str, Any] = {}
        self._session = KeystoneSession(session=self._http, app_name="promise")

    def __repr__(self) -> str:
        return f"<Session at {self.where}>"

    def sign_in(self) -> Grant:
        """Return a grant with a new token.

        Each has keystoneauth objects of its own: giving up a token must not disturb threads that are still at work
        with it, as keystoneauth's plugins allow one to be invalidated while another thread asks for it.
        """
        auth = self._plugin()
        session = KeystoneSession(auth=auth, session=self._http, app_name="promise", discovery_cache=self._found)
        try:
            access = auth.get_access(session)
            token, project_id, until = access.auth_token, access.project_id, access.expires
        except _NOT_OPENSTACK as fault:
            raise failures.sign_in(self.where, fault) from None
        if not token or not project_id:
            raise CredentialsRejected(f"Keystone at {self.where} gave a token without a project: name one")
        log.debug("signed in at %s to project %s until %s", self.where, project_id, until)
        connection = Connection(session=session, region_name=self._region)
        known: dict[str, str | None] = {
            "identity": self.where
        }  # it is asked where we signed in, whatever the catalog says of it
        return Grant(token, project_id, access.project_name or "", access, connection, known)

    def endpoint(self, grant: Grant, service: str) -> str | None:
        """Return the URL of a service, versioned as openstacksdk discovers it; None when the catalog has none."""
        try:
            url = getattr(grant.connection, service).get_endpoint()
        except ServiceDisabledException:
            url = None
        except _NOT_OPENSTACK as fault:
            raise failures.broken(SERVICES[service], fault, effect=False) from None
        found = grant.endpoints[service] = None if url is None else str(url).rstrip("/")
        return found

    def exchange(
        self,
        grant: Grant,
        method: str,
        url: str,
        *,
        service: str,
        query: Mapping[str, str],
        body: Any = None,
        more: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request, once, and return the answer, whatever its status; `more` are further header fields.

        Raises:
            CloudUnreachable: nothing was sent, or it was a GET.
            OutcomeUnknown: the request may have had its effect.
        """
        headers = {"X-Auth-Token": grant.token, "Accept": "application/json", **(more or {})}
        if service in VERSIONS:
            headers["OpenStack-API-Version"] = VERSIONS[service]
        reading = method == "GET"
        began = monotonic()
        try:
            response = self._session.request(
                url, method, params=query, json=body, headers=headers,
                authenticated=False, raise_exc=False, connect_retries=0, redirect=reading, log=False,
            )  # fmt: skip
        except _NOT_OPENSTACK as fault:
            error = failures.broken(f"{SERVICES[service]} at {_host(url)}", fault, effect=not reading)
            log.debug("%s %s: %s", method, url, error.message)
            raise error from None
        log.debug("%s %s: %d in %.3f s", method, url, response.status_code, monotonic() - began)
        return _answer(response)

    def close(self) -> None:
        """Close the connections; exchanges that are under way end as if the cloud had broken them off."""
        self._wires.cut()
        self._http.close()


def keystone_url(endpoint: str) -> str:
    """Return the URL of Keystone's v3 API for an endpoint given with or without "/v3".

    Raises:
        BadValue: it is not an http or https URL of a host, or carries user, password, query or fragment.
    """
    text = endpoint.strip()
    try:
        parts = urlsplit(text)
        named = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none, brackets that do not match
        named = False
    if not named or _NOT_IN_A_URL.search(text) or "@" in parts.netloc or parts.query or parts.fragment:
        rule = "an endpoint is the http or https URL of a Keystone, without user, password, query and fragment"
        raise BadValue(rule, name="endpoint")
    path = parts.path.rstrip("/")
    if path.endswith("/v2.0"):
        raise BadValue("an endpoint is a Keystone v3: v2.0 is not supported", name="endpoint")
    return f"{parts.scheme}://{parts.netloc}{path if path.endswith('/v3') else path + '/v3'}"


def verdict(who: str, answer: Answer, *, effect: bool) -> CloudError | None:
    """Return what is wrong with an answer; None when it is a success."""
    if failures.is_failure(answer.status):
        return failures.refused(who, answer.status, answer.said, effect=effect)
    return None


def not_in_catalog(service: str, where: str, region: str | None) -> CloudRefused:
    """Return the error for a service that this cloud (or region of it) does not have."""
    place = f" in region {region}" if region else ""
    return CloudRefused(f"the catalog of {where} names no {service.replace('_', '-')} service{place}")


def _password_of(where: str, access: Access, password: str) -> v3.Password:
    by_name = access.project_id is None and access.project_name is not None
    return v3.Password(
        auth_url=where,
        username=access.username,
        password=password,
        user_domain_name=access.user_domain,
        project_id=access.project_id,
        project_name=access.project_name if by_name else None,
        project_domain_name=access.project_domain if by_name else None,
    )


def _no_netrc(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Leave a request as it is: without an `auth` of its own, requests would look into the user's .netrc."""
    return request


def _answer(response: requests.Response) -> Answer:
    try:
        body = json.loads(response.content)
    except ValueError:  # also UnicodeDecodeError
        body = None
    failed = failures.is_failure(response.status_code)
    return Answer(
        status=response.status_code,
        body=body,
        said=failures.reason_in(body, response.content.decode(errors="replace")) if failed else "",
        moment=_moment(response.headers.get("Date", "")),
        pause=_seconds(response.headers.get("Retry-After", "")),
    )


def _moment(date: str) -> int:
    try:
        return int(parsedate_to_datetime(date).timestamp())
    except ValueError:
        return 0


def _seconds(retry_after: str) -> float:
    return float(retry_after) if retry_after.isascii() and retry_after.isdigit() else 0.0


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
