"""Names in values, with the prefixes of documents and the names of modules."""

from __future__ import annotations

import pytest

from promise.northbound.qualified import declarations, qualified, shortened, spelled_out


@pytest.mark.rfc("7950", "9.13", "an instance-identifier has a prefix at each name in XML, whatever it had in JSON")
@pytest.mark.rfc("7951", "6.11", "and in JSON where the module is another one than before")
@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("/", "/"),
        ("/m:a/b/c", "/m:a/m:b/m:c"),
        ("/m:a/n:b/c", "/m:a/n:b/n:c"),
        ("/m:a[k='/x/y']/b[j=\"[z\"][i='1']", "/m:a[m:k='/x/y']/m:b[m:j=\"[z\"][m:i='1']"),
        ("/m:a/b[n:k='v']/c[.='w'][3]", "/m:a/m:b[n:k='v']/m:c[.='w'][3]"),
        ("/a/b", "/a/b"),
    ],
)
def test_paths_are_spelled_out_and_shortened(short: str, long: str) -> None:
    assert (spelled_out(short), spelled_out(long)) == (long, long)
    assert (shortened(long), shortened(short)) == (short, short)


def test_prefixes_become_names_of_modules_and_are_declared() -> None:
    named = qualified("/p:promise/p:policy[x:a='p:b']", {"p": "urn:opnfv:promise"})
    assert named == "/opnfv-promise:promise/opnfv-promise:policy[x:a='p:b']"
    assert declarations(named) == {"opnfv-promise": "urn:opnfv:promise"}
