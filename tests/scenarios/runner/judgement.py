"""Whether a reply is what the schema allows and what the story expects, and how a failure is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lxml import etree
from scenarios.runner import messages
from scenarios.runner.comparison import check_names, inside, local

from promise.errors import Invalid
from promise.northbound import bindings as yang

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lxml.etree import _Element
    from scenarios.runner.story import Step
    from scenarios.runner.words import Words


class StoryFailed(AssertionError):
    """The server did not do what the story expects, at the step `place`; `found` are the differences."""

    def __init__(self, place: str, found: Sequence[str], asked: str = "", reply: _Element | None = None) -> None:
        lines = [f"step {place}:", *(f"  {line}" for line in found)]
        if asked:
            lines += ["request:", _indented(asked)]
        if reply is not None:
            lines += ["reply:", etree.tostring(reply, pretty_print=True, encoding="unicode")]
        super().__init__("\n".join(lines))
        self.place = place
        self.found = found


def _indented(text: str) -> str:
    """Return XML with a line for each element, as far as it is XML."""
    try:
        return etree.tostring(etree.fromstring(text), pretty_print=True, encoding="unicode")
    except etree.XMLSyntaxError:
        return text


def judge(what: Step, asked: str, reply: _Element, words: Words) -> None:
    """Raise StoryFailed unless the reply is valid and as the step expects."""
    if found := invalid(what, reply) or unexpected(what, reply, words):
        raise StoryFailed(what.place, found, asked, reply)


def invalid(what: Step, reply: _Element) -> list[str]:
    """Return why a reply is not what the schema allows."""
    if errors(reply):
        return []
    try:
        if what.is_rpc:
            yang.RPCS[what.kind].decode_output_xml(messages.body(reply))
        elif what.kind in {"get", "get-config"}:
            for tree in reply.iter(f"{{{messages.NAMESPACE}}}promise"):
                yang.DATA["/promise"].decode_xml(tree)
    except Invalid as error:
        return [f"the reply is not valid: {error.path}: {error}"]
    return []


def errors(reply: _Element) -> list[_Element]:
    """Return every <rpc-error>."""
    return [child for child in reply if local(child) == "rpc-error"]


def unexpected(what: Step, reply: _Element, words: Words) -> list[str]:
    """Return how a valid reply differs from what the step expects; unless that names a reason an RPC must be ok."""
    expected: Mapping[str, Any] = {} if what.expect is None else what.expect
    if "error" in expected:
        return _wrong_error(expected["error"], errors(reply), words)
    if errors(reply):
        return ["an <rpc-error> was not expected"]
    if what.is_rpc:
        expected = expected if "reason" in expected else {"result": "ok", **expected}
        check_names(yang.RPCS[what.kind].output, expected, what.kind)
        return list(inside(expected, reply, words, what.kind))
    if what.kind == "raw":
        return list(inside(expected, reply, words, "rpc-reply"))
    check_names(yang.Promise, expected, "promise")
    found = reply.find(f".//{{{messages.NAMESPACE}}}promise")
    return list(inside(expected, etree.Element("promise") if found is None else found, words, "promise"))


def _wrong_error(expected: Mapping[str, Any], found: Sequence[_Element], words: Words) -> list[str]:
    """Compare the one <rpc-error>; its leaves are named without "error-", of the message a part is enough."""
    if len(found) != 1:
        return [f"one <rpc-error> was expected, there are {len(found)}"]
    named = {f"error-{name}": {"contains": said} if name == "message" else said for name, said in expected.items()}
    return list(inside(named, found[0], words, "rpc-error"))


def outcome(reply: _Element) -> str:
    """Return the reason of a refusal, else the result, else the tag of the error."""
    for name in ("reason", "result", "error-tag"):
        found = reply.find(f"{{*}}{name}") if name != "error-tag" else reply.find(f".//{{*}}{name}")
        if found is not None:
            return (found.text or "").rpartition(":")[2]
    return "nothing"
