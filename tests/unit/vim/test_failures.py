from __future__ import annotations

import socket
import ssl
from typing import Any

import pytest
import requests
from keystoneauth1 import exceptions as keystone
from urllib3.connection import HTTPConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
)

from promise.errors import CloudError, CloudRefused, CloudUnreachable, CredentialsRejected, OutcomeUnknown
from promise.vim.openstack import failures

WIRE = HTTPConnection("nova.example")
POOL: Any = object()


def wrapped(reason: Exception, kind: type[requests.RequestException] = requests.ConnectionError) -> Exception:
    """Return an exception as requests and keystoneauth wrap it."""
    try:
        try:
            raise kind(MaxRetryError(POOL, "/servers", reason))
        except requests.RequestException as fault:
            raise keystone.ConnectFailure(f"Unable to establish connection to http://nova: {fault}")  # noqa: B904
    except keystone.ConnectFailure as failure:
        return failure


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (wrapped(NameResolutionError("nova.example", WIRE, socket.gaierror("x"))), "its name has no address"),
        (wrapped(NewConnectionError(WIRE, "no route to host")), "no connection could be made"),
        (wrapped(ConnectTimeoutError(), requests.ConnectTimeout), "no connection in time"),
        (wrapped(ssl.SSLCertVerificationError("self-signed"), requests.exceptions.SSLError), "not trusted"),
        (requests.exceptions.InvalidURL("no host"), "cannot be reached under this URL"),
    ],
)
def test_what_was_never_sent_is_unreachable_even_if_it_would_have_had_an_effect(fault: Exception, words: str) -> None:
    assert failures.never_sent(fault)
    error = failures.broken("Nova", fault, effect=True)
    assert type(error) is CloudUnreachable
    assert words in error.message


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (wrapped(ReadTimeoutError(POOL, "/", "read timed out"), requests.ReadTimeout), "no answer in time"),
        (requests.ConnectionError(ProtocolError("Connection aborted.", ConnectionResetError(104, "x"))), "broke"),
        (wrapped(ssl.SSLEOFError("x"), requests.exceptions.SSLError), "TLS failed"),
        (requests.exceptions.ChunkedEncodingError("x"), "broke"),
        (ValueError("x"), "not JSON"),
        (KeyError("x"), "not an answer of OpenStack"),
    ],
)
def test_what_may_have_been_sent_is_unknown_if_it_may_have_had_an_effect(fault: Exception, words: str) -> None:
    assert not failures.never_sent(fault)
    for effect, kind in ((True, OutcomeUnknown), (False, CloudUnreachable)):
        error = failures.broken("Nova", fault, effect=effect)
        assert type(error) is kind
        assert words in error.message


@pytest.mark.parametrize(
    ("status", "to_act", "to_read"),
    [
        (300, CloudRefused, CloudRefused),
        (400, CloudRefused, CloudRefused),
        (401, CredentialsRejected, CredentialsRejected),
        (403, CloudRefused, CloudRefused),
        (404, CloudRefused, CloudRefused),
        (408, CloudUnreachable, CloudUnreachable),
        (409, CloudRefused, CloudRefused),
        (429, CloudUnreachable, CloudUnreachable),
        (499, CloudRefused, CloudRefused),
        (500, OutcomeUnknown, CloudUnreachable),
        (503, OutcomeUnknown, CloudUnreachable),
        (599, OutcomeUnknown, CloudUnreachable),
    ],
)
def test_what_an_answer_means(status: int, to_act: type[CloudError], to_read: type[CloudError]) -> None:
    for effect, kind in ((True, to_act), (False, to_read)):
        error = failures.refused("Nova", status, "why", effect=effect)
        assert (type(error), error.status) == (kind, status)
        assert error.message == f"Nova answered {status}: why"


@pytest.mark.parametrize(
    ("status", "passing"), [(0, True), (429, True), (502, True), (503, True), (504, True), (500, False), (404, False)]
)
def test_which_failures_may_pass(status: int, passing: bool) -> None:
    assert failures.is_transient(CloudUnreachable("x", status=status)) is passing
    assert not failures.is_transient(CloudRefused("x", status=status))


@pytest.mark.parametrize(
    ("body", "text", "reason"),
    [
        ({"forbidden": {"code": 403, "message": "no"}}, "{...}", "no"),
        ({"NeutronError": "no"}, "{...}", "no"),
        ({"message": "no"}, "{...}", "no"),
        ({"errors": [{"detail": "no\n  way"}]}, "{...}", "no way"),
        ({"errors": []}, "a [1]", "a [1]"),
        ({}, "", ""),
        (None, "<html><style>p{}</style><body>no\r\n<br/>way\x00</body>", "no way"),
        (None, "x" * 9999, "x" * 500),
        ([1], "[1]", "[1]"),
    ],
)
def test_the_reason_in_an_answer(body: Any, text: str, reason: str) -> None:
    assert failures.reason_in(body, text) == reason


def test_a_chain_of_causes_that_bites_its_tail_ends() -> None:
    first, second = ValueError("a"), KeyError("b")
    first.__cause__, second.__cause__ = second, first
    assert not failures.never_sent(first)
