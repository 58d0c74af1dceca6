"""A program of test_netconf_adtran: everything that netconf_client, ADTRAN's client, can do with a controller.

It runs by itself because a module of our tests has its name. Arguments: host, port, TLS port, certificate, authority.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

connect = importlib.import_module("netconf_client.connect")
Manager: Any = importlib.import_module("netconf_client.ncclient").Manager
RpcError: Any = importlib.import_module("netconf_client.error").RpcError

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
PROMISE = "urn:opnfv:promise"
POLICY = f'<promise xmlns="{PROMISE}"><policy/></promise>'


def config(minutes: object) -> str:
    rules = f"<policy><reservation><expiry>{minutes}</expiry></reservation></policy>"
    return (
        f'<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><promise xmlns="{PROMISE}">{rules}</promise></config>'
    )


def expiry(reply: Any) -> list[str]:
    return [leaf.text for leaf in reply.data_ele.iter(f"{{{PROMISE}}}expiry")]


def refused(call: Any, *given: Any, **named: Any) -> str:
    try:
        call(*given, **named)
    except RpcError as error:
        return str(error.tag)
    raise AssertionError("it was not refused")


def configure(one: Any, other: Any) -> None:
    one.lock("candidate")
    assert refused(other.lock, "candidate") == "lock-denied"
    one.edit_config(config(5), "candidate", "merge", "test-then-set", "rollback-on-error")
    one.validate("candidate")
    one.commit(confirmed=True, confirm_timeout=120, persist="token")
    one.commit(persist_id="token")
    one.edit_config(config(6), "candidate")
    one.commit(confirmed=True)
    one.cancel_commit()
    one.discard_changes()
    one.copy_config("candidate", "running")
    assert refused(one.delete_config, "candidate") == "operation-not-supported"
    assert refused(one.edit_config, config("five"), "candidate") == "invalid-value"
    one.unlock("candidate")


def read(one: Any) -> None:
    for mode in (None, "report-all", "report-all-tagged", "trim", "explicit"):
        assert expiry(one.get(filter=f"<filter>{POLICY}</filter>", with_defaults=mode)) == ["5"]
        assert expiry(one.get_config("running", with_defaults=mode)) == ["5"]
    assert expiry(one.get_data("ds:running")) == ["5"]
    subtree = f"<subtree-filter>{POLICY}</subtree-filter>"
    assert expiry(one.get_data(filter=subtree, max_depth=5, with_origin=True, origin_filters=["or:intended"])) == ["5"]
    assert one.dispatch(f'<query-capacity xmlns="{PROMISE}"/>') is not None


def be_told(one: Any) -> None:
    wanted = f'<filter><reservation-event xmlns="{PROMISE}"/></filter>'
    one.create_subscription(stream="NETCONF", filter=wanted, start_time="2026-01-01T00:00:00Z")
    told = one.take_notification(timeout=20)
    assert told.notification_ele[1].tag.endswith("}replayComplete"), told.notification_xml


def main(host: str, port: str, tls: str, certificate: str, authority: str) -> None:
    """Do it all, over SSH and over TLS."""
    log_in = {"host": host, "port": int(port), "username": "admin", "password": "admin"}
    with Manager(connect.connect_ssh(**log_in), timeout=30) as one, Manager(connect.connect_ssh(**log_in)) as other:
        configure(one, other)
        read(one)
        be_told(one)
        one.kill_session(other.session_id)
        one.close_session()
    over_tls = connect.connect_tls(host, int(tls), certificate, certificate, authority)
    with Manager(over_tls, timeout=30) as one:
        assert expiry(one.get_config("running")) == ["5"]


if __name__ == "__main__":
    main(*sys.argv[1:])
