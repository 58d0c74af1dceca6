"""The YANG modules are the contract: independent readers accept them, and agree on what is valid and what is not."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pyang.context import Context
from pyang.repository import FileRepository
from yangson import DataModel
from yangson.enumerations import ContentType
from yangson.exceptions import RawMemberError, RawTypeError, SchemaError, SemanticError, YangTypeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]
YANG = ROOT / "yang"
OURS = [YANG / "nfv-infrastructure.yang", YANG / "opnfv-promise.yang"]
EVENTS = [YANG / "notifications.yang", YANG / "nc-notifications.yang"]
"""RFC 5277 in YANG, under the names that clients ask for."""

IETF = sorted((YANG / "ietf").glob("*.yang"))
TREE = ROOT / "docs" / "reference" / "yang-tree.txt"
EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.json"))
PREFIX = "opnfv-promise:"
ID = "11111111-1111-4111-8111-111111111111"

DESCRIBED = {
    "module", "revision", "identity", "typedef", "grouping", "container", "list", "leaf", "leaf-list", "choice", "enum",
    "rpc", "notification", "must",
}  # fmt: skip
"""The statements that tell an operator something."""

DEFAULTS = {
    "/query-capacity/input/capacity": "available",
    "/query-window/scope": "inclusive",
    "/query-filter/show-utilization": "true",
    "/add-provider/input/strategy": "keystone",
}
"""All that have one: a default on a leaf that create and update share would make 'not said' impossible."""


def pyang(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    tool = Path(sys.executable).with_name("pyang")
    command = [tool, "-p", f"{YANG}:{YANG / 'ietf'}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def yanglint(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    tool = shutil.which("yanglint")
    if tool is None:
        pytest.skip("yanglint (libyang-tools) is not installed")
    command = [tool, "-p", YANG, "-p", YANG / "ietf", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def model() -> DataModel:
    return DataModel.from_file(str(YANG / "library.json"), [str(YANG), str(YANG / "ietf")])


def statements(module: Any) -> Iterator[tuple[str, Any]]:
    """Yield every statement of a module with its path as written, groupings not expanded."""
    todo = [("", module)]
    while todo:
        path, statement = todo.pop()
        yield path, statement
        todo += [(f"{path}/{child.arg or child.keyword}", child) for child in statement.substmts]


@pytest.fixture(scope="module")
def written() -> list[tuple[str, Any]]:
    context = Context(FileRepository(f"{YANG}:{YANG / 'ietf'}", use_env=False))
    modules = [context.add_module(str(path), path.read_text()) for path in OURS]
    context.validate()
    assert not context.errors
    return [found for module in modules for found in statements(module)]


# The modules themselves


def test_pyang_has_no_complaint_in_its_strictest_mood() -> None:
    done = pyang("--strict", "--lint", "--canonical", "--max-line-length", "80", *OURS)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_rules_of_the_ietf_are_broken_only_where_one_has_to_belong_to_the_ietf() -> None:
    complaints = pyang("--ietf", *OURS).stderr
    name, copyright_, namespace = "4.1", "3.1", "4.9"
    assert sorted(re.findall(r"RFC 8407: ([\d.]+):", complaints)) == sorted([name, copyright_, namespace] * len(OURS))


def test_yanglint_has_no_complaint() -> None:
    done = yanglint(*OURS, *EVENTS)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_modules_of_rfc_5277_are_as_others_would_write_them() -> None:
    done = pyang("--strict", "--canonical", "--max-line-length", "80", *EVENTS)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("path", IETF, ids=lambda path: path.stem)
def test_vendored_modules_are_listed_with_revision_and_licence(path: Path) -> None:
    text = path.read_text()
    revision = re.search(r'revision\s+"?([\d-]+)', text)
    assert revision is not None
    licence = (YANG / "ietf" / "LICENSE").read_text()
    assert re.search(rf"^  {path.stem} +{revision[1]} +RFC \d+", licence, re.MULTILINE)
    assert "Copyright (c)" in text


def test_vendored_modules_need_no_module_that_is_not_here() -> None:
    done = pyang(*IETF)
    assert done.returncode == 0, done.stderr


def test_every_statement_that_an_operator_reads_has_a_description(written: list[tuple[str, Any]]) -> None:
    silent = [
        f"{path} ({statement.keyword})"
        for path, statement in written
        if statement.keyword in DESCRIBED and not (statement.search_one("description") or statement.arg is None)
    ]
    assert silent == []
    assert sum(statement.keyword in DESCRIBED for _, statement in written) > 500


def test_defaults_stand_only_where_create_and_update_do_not_meet(written: list[tuple[str, Any]]) -> None:
    found = {path.rsplit("/", 1)[0]: statement.arg for path, statement in written if statement.keyword == "default"}
    assert found == DEFAULTS


def test_times_and_sizes_have_units(written: list[tuple[str, Any]]) -> None:
    worded = re.compile(r"interval|horizon|range|duration|before-end|retention|resolution|remaining|size|disk|ram|swap")
    numbers = re.compile(r"(u?int\d+|(nfvi:)?(signed-)?amount)$")
    bare = [
        path
        for path, leaf in written
        if leaf.keyword == "leaf" and worded.search(leaf.arg) and numbers.match(leaf.search_one("type").arg)
        and not leaf.search_one("units")
    ]  # fmt: skip
    assert bare == []


def test_what_stands_in_messages_is_made_of_groupings(written: list[tuple[str, Any]]) -> None:
    content = {"uses", "leaf", "leaf-list", "list", "container", "choice"}
    loose = [
        path
        for path, node in written
        if node.keyword in {"container", "list"} and not path.startswith("/promise")
        and [child.keyword for child in node.substmts if child.keyword in content] != ["uses"]
    ]  # fmt: skip
    assert loose == []


def test_nothing_is_used_that_readers_of_the_modules_cannot_read(written: list[tuple[str, Any]]) -> None:
    used = {statement.keyword for _, statement in written if isinstance(statement.keyword, str)}
    assert not used & {"action", "anydata", "anyxml", "augment", "deviation", "extension", "feature", "if-feature"}
    extensions = {statement.keyword for _, statement in written if isinstance(statement.keyword, tuple)}
    assert extensions == {("ietf-netconf-acm", "default-deny-all")}


def test_secrets_come_in_by_rpc_only_and_are_denied_to_everybody(written: list[tuple[str, Any]]) -> None:
    leaves = {path: leaf for path, leaf in written if leaf.keyword == "leaf"}
    secrets = {path: leaf for path, leaf in leaves.items() if leaf.search_one("type").arg == "secret"}
    assert set(secrets) == {
        "/add-provider/input/password", "/set-provider-credentials/input/password", "/set-user-password/input/password",
        "/subscription-request/secret",
    }  # fmt: skip
    assert all(leaf.search_one(("ietf-netconf-acm", "default-deny-all")) for leaf in secrets.values())
    assert "secret" not in TREE.read_text().split("  rpcs:")[0]


def test_only_policy_providers_subscriptions_users_and_grants_are_configuration() -> None:
    data = TREE.read_text().split("  rpcs:")[0]
    kinds = {name: kind for kind, name in re.findall(r"^     \+--(r[wo]) ([\w-]+)", data, re.MULTILINE)}
    assert {name for name, kind in kinds.items() if kind == "rw"} == {
        "grants",
        "policy",
        "providers",
        "subscriptions",
        "users",
    }
    assert {name for name, kind in kinds.items() if kind == "ro"} == {
        "capacity", "pools", "reservations", "allocations", "operations",
    }  # fmt: skip


def test_the_tree_in_the_documentation_is_current() -> None:
    done = pyang("-f", "tree", "--tree-line-length", "120", YANG / "opnfv-promise.yang")
    assert done.stdout == TREE.read_text(), "make it again with pyang -f tree --tree-line-length 120"


def test_the_library_names_the_modules_as_they_are() -> None:
    library = json.loads((YANG / "library.json").read_text())["ietf-yang-library:modules-state"]["module"]
    by_name = {path.stem: path.read_text() for path in [*OURS, *EVENTS, *IETF]}
    for module in library:
        text = re.sub(r'"\s+\+\s+"', "", by_name[module["name"]])  # a namespace may be written in two parts
        assert re.search(rf'namespace\s+"?{re.escape(module["namespace"])}"?;', text)
        newest = re.search(r'revision\s+"?([\d-]+)', text)
        assert newest is not None
        assert newest[1] == module["revision"]
    assert {path.stem for path in OURS} <= {module["name"] for module in library}


# What is valid and what is not


def cases(kind: str) -> list[Any]:
    """Return (rpc or notification, side, document, expected error) for every example."""
    found = []
    for path in EXAMPLES:
        for side, table in json.loads(path.read_text()).items():
            for title, entry in table[kind].items():
                document, error = (entry, None) if kind == "good" else (entry["document"], entry["error"])
                found.append(pytest.param(path.stem, side, document, error, id=f"{path.stem}-{side}-{title}"))
    return found


def yangson_verdict(model: DataModel, name: str, side: str, document: dict[str, Any]) -> set[str]:
    """Return the errors of the examples that yangson's complaint can mean; empty when it has none."""
    whole = {PREFIX + side: document} if side != "notification" else {PREFIX + k: v for k, v in document.items()}
    return verdict_of(lambda: model.from_raw(whole, PREFIX + name).validate(ctype=ContentType.all))


def verdict_of(validate: Callable[[], object]) -> set[str]:
    try:
        validate()
    except RawMemberError:
        return {"unknown"}
    except (RawTypeError, YangTypeError):
        return {"value"}
    except TypeError:  # yangson 1.7 has no words for a mandatory choice without a case
        return {"choice"}
    except SchemaError as error:
        return {"cases"} if error.tag.endswith("member-not-allowed") else {"missing"}
    except SemanticError as error:
        words = {"non-unique-key": "duplicate", "too-few-elements": "count", "too-many-elements": "count"}
        return {words.get(error.tag, "must")}
    return set()


def yanglint_accepts(folder: Path, name: str, side: str, document: dict[str, Any]) -> bool:
    path = folder / "example.json"
    path.write_text(json.dumps({PREFIX + name: document}))
    kind = {"input": "rpc", "output": "reply", "notification": "notif"}[side]
    return yanglint("-t", kind, YANG / "opnfv-promise.yang", path).returncode == 0


def test_every_operation_and_notification_has_examples(written: list[tuple[str, Any]]) -> None:
    wanted = {statement.arg: {"input", "output"} for _, statement in written if statement.keyword == "rpc"}
    wanted |= {statement.arg: {"notification"} for _, statement in written if statement.keyword == "notification"}
    assert {path.stem: set(json.loads(path.read_text())) for path in EXAMPLES} == wanted


@pytest.mark.parametrize(("name", "side", "document", "error"), cases("good"))
def test_valid(model: DataModel, tmp_path: Path, name: str, side: str, document: dict[str, Any], error: None) -> None:
    assert yangson_verdict(model, name, side, document) == set()
    assert yanglint_accepts(tmp_path, name, side, document)


@pytest.mark.parametrize(("name", "side", "document", "error"), cases("bad"))
def test_invalid(model: DataModel, tmp_path: Path, name: str, side: str, document: dict[str, Any], error: str) -> None:
    verdict = yangson_verdict(model, name, side, document)
    if error == "moment":  # the pattern of yang:date-and-time lets it pass; its description does not (RFC 6991)
        assert verdict == set()
        return
    assert error in verdict
    if error != "must" and (side, error) != ("output", "duplicate"):  # yanglint 2.1 judges neither
        assert not yanglint_accepts(tmp_path, name, side, document)


@pytest.mark.parametrize(("name", "leaf"), [
    ("cancel-reservation", "reservation-ids"), ("destroy-instance", "instance-ids"),
])  # fmt: skip
def test_at_most_a_thousand_ids_in_one_request(model: DataModel, name: str, leaf: str) -> None:
    ids = [f"{ID[:-4]}{number:04x}" for number in range(1001)]
    assert yangson_verdict(model, name, "input", {leaf: ids[:1000]}) == set()
    assert yangson_verdict(model, name, "input", {leaf: ids}) == {"count"}


def test_at_most_as_much_metadata_as_leaves_room_for_ours(model: DataModel) -> None:
    entries = [{"key": f"k{number}", "value": "v"} for number in range(128)]
    request = {"name": "vm", "image": "i", "flavor": "f"}
    assert yangson_verdict(model, "create-instance", "input", {**request, "metadata": entries[:127]}) == set()
    assert yangson_verdict(model, "create-instance", "input", {**request, "metadata": entries}) == {"count"}


# The configuration

PROVIDER = {"id": ID, "name": "a", "provider-type": "openstack", "endpoint": "https://a.example/v3"}
SUBSCRIPTION = {"id": ID, "kind": "capacity", "callback-uri": "https://nfvo.example/"}
LINE = {"metric": "available", "resource": "cores", "bound": "lower", "value": "10"}
OTHER = ID.replace("1", "2")

CONFIGURATIONS: list[tuple[str, dict[str, Any], set[str]]] = [
    ("nothing", {}, set()),
    ("a provider", {"providers": [PROVIDER]}, set()),
    ("a provider with all", {"providers": [{
        **PROVIDER, "user-domain-name": "Default", "project": {"name": "p", "domain-name": "d"}, "region": "R",
        "credential": "c", "capacity-source": "placement", "overcommit": [{"resource": "cores", "ratio": "1.5"}],
        "sync-interval": 30, "alarms": False,
    }]}, set()),
    ("a provider without endpoint", {"providers": [{**PROVIDER, "endpoint": None}]}, {"missing"}),
    ("a provider of the id of 2015", {"providers": [{**PROVIDER, "id": f"ResourceProvider:{ID}"}]}, {"value"}),
    ("a ratio of 0", {"providers": [{**PROVIDER, "overcommit": [{"resource": "cores", "ratio": "0.0"}]}]}, {"value"}),
    ("two providers of a name", {"providers": [PROVIDER, {**PROVIDER, "id": OTHER}]}, {"must"}),
    ("two providers of an id", {"providers": [PROVIDER, {**PROVIDER, "name": "b"}]}, {"duplicate"}),
    ("two providers", {"providers": [PROVIDER, {**PROVIDER, "name": "b", "id": OTHER}]}, set()),
    ("state of a provider", {"providers": [{**PROVIDER, "health": {"reachable": True}}]}, {"cases"}),
    ("a reservation", {"reservations": [{"id": ID}]}, {"cases"}),
    ("a subscription", {"subscriptions": [{
        **SUBSCRIPTION, "credential": "c", "threshold": [LINE], "filter": {"provider-id": ID, "resource": ["PCPU"]},
    }]}, set()),
    ("a subscription for nobody", {"subscriptions": [{**SUBSCRIPTION, "callback-uri": None}]}, {"choice"}),
    ("a line for instances", {"subscriptions": [{**SUBSCRIPTION, "kind": "instance", "threshold": [LINE]}]}, {"cases"}),
    ("ids of capacity", {"subscriptions": [{**SUBSCRIPTION, "filter": {"id": [ID]}}]}, {"cases"}),
    ("policy", {"policy": {"reservation": {
        "max-future-start-range": 365, "max-future-end-range": 0, "max-duration": 8760, "expiry": 30, "before-end": 15,
        "at-end": "terminate", "preempt": True, "unreserved": "strict", "alternatives": 5, "search-horizon": 30,
        "retention": 7,
    }}}, set()),
    ("more days than a year", {"policy": {"reservation": {"max-future-start-range": 366}}}, {"value"}),
    ("no duration at all", {"policy": {"reservation": {"max-duration": 0}}}, {"value"}),
]  # fmt: skip


def said(value: Any) -> Any:
    """Return the value without its members that are None."""
    if isinstance(value, dict):
        return {key: said(member) for key, member in value.items() if member is not None}
    return [said(member) for member in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("document", "errors"), [pytest.param(*case[1:], id=case[0]) for case in CONFIGURATIONS])
def test_configuration(model: DataModel, document: dict[str, Any], errors: set[str]) -> None:
    whole = said(document)
    assert verdict_of(lambda: model.from_raw({PREFIX + "promise": whole}).validate(ctype=ContentType.config)) == errors


def test_a_subscription_that_is_bound_to_its_session_is_state(model: DataModel) -> None:
    bound = {"id": ID, "kind": "instance", "session-id": 4, "owner": "alice", "state": "active", "sent": "7"}
    tree = model.from_raw({PREFIX + "promise": {"subscriptions": [bound]}})[PREFIX + "promise"]
    tree.validate(ctype=ContentType.all)
    with pytest.raises(SchemaError, match="session-id"):
        tree.validate(ctype=ContentType.config)
