"""What the generator does not know stops the build, with the place and the reason; what it knows is always the same."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from oracle.yang_model import GAUNTLET, YANG, generated, run_plugin, texts
from pyang.error import EmitError

from promise.errors import MustViolation, UnknownElement

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """module tried {
  yang-version 1.1;
  namespace "urn:example:tried";
  prefix t;
  import ietf-yang-types { prefix yang; }
  import used { prefix u; }
"""

REFUSED = {
    "action": "container c { action reset; }  // action reset",
    "nested notification": "container c { notification gone; }  // notification gone",
    "anydata": "rpc r { input { anydata all; } }  // anydata all",
    "anyxml": "container c { anyxml all; }  // anyxml all",
    "deviation": 'container c; deviation "/t:c" { deviate add { must "1 = 1"; } }  // deviation /t:c',
    "leaf at the top": "leaf alone { type string; }  // only containers and lists",
    "extension": """
        extension odd { argument a; }
        container c { t:odd "x"; }  // an unknown extension""",
    "instance-identifier": "container c { leaf l { type instance-identifier; } }  // no Python type",
    "leafref that nobody checks": """
        container c { leaf l { type string; } }
        rpc r { input { leaf m { type leafref { path "/t:c/t:l"; } } } }  // require-instance false""",
    "property that is no category": """
        container c { leaf l { type string { pattern '\\p{IsGreek}*'; } } }  // no Unicode category""",
    "restricted date-and-time": """
        container c { leaf l {
          type yang:date-and-time { pattern '.*Z'; }  // restriction of date-and-time
        } }""",
    "identities of one name": """
        identity base; identity shape { base u:base; }
        rpc r { input { leaf l { type identityref { base u:base; } } } }  // two identities have the name shape""",
    "nodes of one attribute": """
        rpc r { input { leaf from { type string; } leaf from_ { type string; } } }  // would be the attribute from_""",
    "bodies of one class": """
        grouping g { leaf a { type string; } }
        rpc r { input { container two { uses g; } } }
        container g { leaf c { type string; } }  // its class G would also be that of""",
    "absolute path": 'container c; rpc r { input { leaf l { type string; must "/t:c"; } } }  // XPath\'s absolute',
    "path out of the message": 'rpc r { input { leaf l { type string; must "../../x"; } } }  // leaves what is known',
    "no such child": 'rpc r { input { leaf l { type string; must "../x"; } } }  // has no child x',
    "unknown function": 'rpc r { input { leaf l { type string; must "last() = 1"; } } }  // the function last',
    "division": 'rpc r { input { leaf l { type uint8; must "4 div 2 = 2"; } } }  // the operator div',
    "arithmetic with what may be absent": """
        rpc r { input {
          leaf k { type uint8; }
          leaf l { type uint8; must "../k + 1 = 2"; }  // may be absent
        } }""",
    "string as a number": 'rpc r { input { leaf l { type string; must ". > 2"; } } }  // this comparison by >',
    "identity as a string": """
        identity b; identity c { base b; }
        rpc r { input { leaf l { type identityref { base b; } must ". = 'c'"; } } }  // this comparison by =""",
    "moments compared": """
        rpc r { input {
          leaf a { type yang:date-and-time; }
          leaf b { type yang:date-and-time; must ". = ../a"; }  // this comparison by =
        } }""",
    "existence of what is always there": """
        rpc r { input {
          container c { leaf a { type string; } }
          leaf b { type string; must "../c"; }  // always there
        } }""",
    "position": """
        rpc r { input {
          leaf-list a { type string; }
          leaf b { type string; must "../a[1] = 'x'"; }  // position
        } }""",
    "wildcard": 'rpc r { input { leaf b { type string; must "count(../*) = 1"; } } }  // neither a child by name',
    "default that depends on what is far": """
        rpc r { input {
          leaf a { type string; }
          container c { leaf b { when "../../a"; type uint8; default 1; } }  // leaves what is known here
        } }""",
    "mandatory choice with a when": """
        rpc r { input {
          leaf a { type string; }
          choice b { when "a"; mandatory true; leaf c { type string; } }  // a choice with a when
        } }""",
}
"""Modules, each with the reason of its refusal behind the line at fault."""

OTHER = """module used {
  namespace "urn:example:used";
  prefix u;
  identity base;
  identity shape { base base; }
}
"""


def compiled(folder: Path, body: str, name: str = "tried") -> Path:
    (folder / "used.yang").write_text(OTHER, encoding="utf-8")
    module = folder / f"{name}.yang"
    module.write_text(f"{HEAD.replace('tried', name)}{body}\n}}\n", encoding="utf-8")
    return module


@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in REFUSED.items()])
def test_refused(tmp_path: Path, body: str) -> None:
    module = compiled(tmp_path, body)
    lines = enumerate(module.read_text().splitlines(), start=1)
    number, why = next((number, line.partition("//")[2].strip()) for number, line in lines if "  // " in line)
    with pytest.raises(EmitError, match=rf"tried\.yang:{number}: \S+ .*the bindings cannot express this: ") as caught:
        texts(module)
    assert why in caught.value.msg


def test_pyang_stops_and_writes_nothing(tmp_path: Path) -> None:
    module = compiled(tmp_path, REFUSED["action"])
    done = run_plugin((module,), tmp_path / "nowhere")
    assert done.returncode == 1
    assert "tried.yang:7: action reset: the bindings cannot express this" in done.stderr
    assert not (tmp_path / "nowhere").exists()


def test_a_second_run_changes_no_byte(tmp_path: Path) -> None:
    modules = GAUNTLET / "gauntlet.yang", GAUNTLET / "gauntlet-more.yang"
    run_plugin(modules, tmp_path).check_returncode()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == texts(*modules)


def test_the_committed_bindings_are_those_of_the_modules() -> None:
    done = subprocess.run(
        [sys.executable, YANG / "plugins" / "generate.py", "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_features_that_are_not_supported_take_their_nodes_along() -> None:
    text = texts(GAUNTLET / "gauntlet.yang", features={"gauntlet": []})["schema.py"]
    assert '"spare"' not in text
    assert 'codec.Enumeration("red", "light blue", "green")' in text


def test_shared_groupings_share_their_class(tmp_path: Path) -> None:
    module = compiled(
        tmp_path,
        """
        grouping thing { leaf name { type string; } container size { leaf width { type uint8; } } }
        rpc r {
          input { container one { uses thing; } list many { uses thing; } uses thing; }
          output { container one { uses thing { refine name { mandatory true; } } } }
        }
        """,
        name="shared",
    )
    made = generated("shared_bindings", module)
    assert {name for name in made.__all__ if name[0] != name[0].lower() and not name.isupper()} >= {
        "Thing",
        "ThingSize",
    }
    value = made.RInput(one=made.Thing(size=made.ThingSize(width=1)), many=(made.Thing(name="a"),), name="b")
    assert made.RPCS["r"].decode_input_json(made.RPCS["r"].encode_input_json(value)) == value


def test_conditions_from_uses_and_augments_apply_to_each_of_their_nodes(tmp_path: Path) -> None:
    module = compiled(
        tmp_path,
        """
        grouping more { leaf a { type uint8; } container b { leaf c { type uint8; must ". < 9"; } } }
        rpc r { input { leaf on { type boolean; default false; } uses more { when "on = 'true'"; } } }
        """,
        name="applied",
    )
    rpc = generated("applied_bindings", module).RPCS["r"]

    def read(**members: object) -> None:
        rpc.decode_input_json({"applied:input": members})

    read(on=True, a=1, b={"c": 8})
    read(b={})
    with pytest.raises(UnknownElement, match="must only be given when on = 'true'"):
        read(a=1)
    with pytest.raises(UnknownElement):
        read(on=False, b={"c": 1})
    with pytest.raises(MustViolation, match=r"must satisfy \. < 9"):
        read(on=True, b={"c": 9})
