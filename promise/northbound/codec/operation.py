"""Messages as a whole: the input and output of an RPC, a notification, and resources of the data tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from promise.errors import Invalid, Malformed
from promise.northbound.codec.markup import check_attributes
from promise.northbound.codec.node import put_before

if TYPE_CHECKING:
    from lxml.etree import _Element

    from promise.northbound.codec.module import Module
    from promise.northbound.codec.node import Must
    from promise.northbound.codec.scalar import Json
    from promise.northbound.codec.struct import Struct

Input = TypeVar("Input")
Output = TypeVar("Output")
Body = TypeVar("Body")

_OK: Final = "{urn:ietf:params:xml:ns:netconf:base:1.0}ok"


class _Message(Generic[Body]):
    """The body of one kind of message, with the path that its errors begin with."""

    def __init__(self, module: Module, name: str, struct: Struct, musts: tuple[Must, ...]) -> None:
        self.struct = struct
        self._module = module
        self._name = name
        self._segment = f"/{module.prefix}:{name}"
        self._musts = musts
        self._judged = bool(musts) or struct.judged

    def read_xml(self, element: _Element, *, envelope: bool = False) -> Body:
        """Return the children of the element, checked; the attributes of an envelope are not its content's."""
        try:
            if not envelope and element.keys():
                check_attributes(element)
            return self._checked(self.struct.read_xml(element))
        except Invalid as fault:
            raise self._located(fault) from None

    @property
    def blank(self) -> Body:
        """The body of which nothing was given."""
        body: Body = self.struct.blank
        return body

    def read_json(self, raw: Json) -> Body:
        """Return the members of the object, checked."""
        try:
            return self._checked(self.struct.read_json(raw, self._module))
        except Invalid as fault:
            raise self._located(fault) from None

    def _checked(self, value: Any) -> Body:
        if value is None:
            value = self.blank
        if self._judged:
            for must in self._musts:
                must.check(value, None)
            self.struct.judge(value, None)
        body: Body = value
        return body

    def _located(self, fault: Invalid) -> Invalid:
        put_before(fault, self._segment)
        if not fault.name:
            fault.name, fault.namespace = self._name, self._module.namespace
        return fault

    def write_xml(self, value: Body, namespace: str = "") -> str:
        """Return the children; each declares its namespace unless that is the default where they will stand."""
        out: list[str] = []
        self.struct.write_xml(value, out, namespace)
        return "".join(out)

    def write_json(self, value: Body) -> Json:
        """Return the object."""
        return self.struct.write_json(value, self._module)

    def unwrapped(self, raw: Json, member: str) -> Json:
        """Return the only member of a JSON document, which has this name."""
        if type(raw) is dict and len(raw) == 1 and member in raw:
            return raw[member]
        raise Malformed(f'must be a JSON object with one member, "{member}"', path=self._segment)


class Rpc(Generic[Input, Output]):
    """An RPC: `input` and `output` are the classes of its values.

    `default_deny` is "all" or "write" where the module says `nacm:default-deny-…` (RFC 8341 section 3.4.5). Every
    `decode` raises a subclass of `errors.Invalid`; every `encode` trusts the value.
    """

    def __init__(
        self,
        module: Module,
        name: str,
        *,
        input: Struct,  # noqa: A002
        output: Struct,
        input_musts: tuple[Must, ...] = (),
        output_musts: tuple[Must, ...] = (),
        default_deny: str = "",
    ) -> None:
        self.module = module
        self.name = name
        self.namespace = module.namespace
        self.tag = f"{{{module.namespace}}}{name}"
        self.default_deny = default_deny
        self.input: type[Input] = input.cls
        self.output: type[Output] = output.cls
        self._input: _Message[Input] = _Message(module, name, input, input_musts)
        self._output: _Message[Output] = _Message(module, name, output, output_musts)
        self._input_member = f"{module.name}:input"
        self._output_member = f"{module.name}:output"
        self.mute = not output.nodes
        """Whether it has no output: RESTCONF answers 204 (RFC 8040 section 3.6.2)."""

    def decode_input_xml(self, element: _Element) -> Input:
        """Return the input that the operation's element describes, or RESTCONF's <input>: its name is not looked at."""
        return self._input.read_xml(element)

    def decode_input_json(self, raw: Json) -> Input:
        """Return the input of a RESTCONF body, {"module:input": {…}}; None is no body: an input without content."""
        return self._input.read_json({} if raw is None else self._input.unwrapped(raw, self._input_member))

    def encode_input_xml(self, value: Input) -> bytes:
        """Return the operation's element, as NETCONF sends it."""
        body = self._input.write_xml(value, self.namespace)
        return f'<{self.name} xmlns="{self.namespace}">{body}</{self.name}>'.encode()

    def encode_input_document(self, value: Input) -> bytes:
        """Return the RESTCONF body in XML, <input xmlns="…">…</input>."""
        return f'<input xmlns="{self.namespace}">{self._input.write_xml(value, self.namespace)}</input>'.encode()

    def encode_input_json(self, value: Input) -> Json:
        """Return the RESTCONF body, {"module:input": {…}}."""
        return {self._input_member: self._input.write_json(value)}

    def decode_output_xml(self, element: _Element) -> Output:
        """Return the output in a NETCONF <rpc-reply> or a RESTCONF <output>: its name is not looked at.

        <ok/> is the answer of an RPC whose output has no nodes (RFC 7950 section 7.14.4).
        """
        if not self._output.struct.nodes and len(element) == 1 and element[0].tag == _OK:
            return self._output.blank
        return self._output.read_xml(element, envelope=True)

    def decode_output_json(self, raw: Json) -> Output:
        """Return the output of a RESTCONF body, {"module:output": {…}}; None is no body."""
        return self._output.read_json({} if raw is None else self._output.unwrapped(raw, self._output_member))

    def encode_output_xml(self, value: Output) -> bytes:
        """Return the children of <rpc-reply>, each of which declares its namespace; empty where it should be <ok/>."""
        return self._output.write_xml(value).encode()

    def encode_output_document(self, value: Output) -> bytes:
        """Return the RESTCONF body in XML, <output xmlns="…">…</output>."""
        return f'<output xmlns="{self.namespace}">{self._output.write_xml(value, self.namespace)}</output>'.encode()

    def encode_output_json(self, value: Output) -> Json:
        """Return the RESTCONF body, {"module:output": {…}}."""
        return {self._output_member: self._output.write_json(value)}


class Notification(Generic[Body]):
    """A notification: `body` is the class of its values."""

    def __init__(
        self, module: Module, name: str, body: Struct, *, musts: tuple[Must, ...] = (), default_deny: str = ""
    ) -> None:
        self.module = module
        self.name = name
        self.namespace = module.namespace
        self.tag = f"{{{module.namespace}}}{name}"
        self.default_deny = default_deny
        self.body: type[Body] = body.cls
        self._body: _Message[Body] = _Message(module, name, body, musts)
        self._member = f"{module.name}:{name}"

    def decode_xml(self, element: _Element) -> Body:
        """Return what the notification's element says: its name is not looked at."""
        return self._body.read_xml(element)

    def decode_json(self, raw: Json) -> Body:
        """Return what {"module:name": {…}} says."""
        return self._body.read_json(self._body.unwrapped(raw, self._member))

    def encode_xml(self, value: Body) -> bytes:
        """Return the notification's element, which stands beside <eventTime>."""
        body = self._body.write_xml(value, self.namespace)
        return f'<{self.name} xmlns="{self.namespace}">{body}</{self.name}>'.encode()

    def encode_json(self, value: Body) -> Json:
        """Return {"module:name": {…}}, which stands beside "eventTime"."""
        return {self._member: self._body.write_json(value)}


class Data(Generic[Body]):
    """A container, or an entry of a list, of the data tree.

    `config` tells whether it is configuration; `keys` are the attributes of the entry's keys, empty for a container
    and for a list without key. What is read is checked node by node, but may be a part (the answer to a filter): what
    is mandatory may be absent, and `must`, `when`, `unique` and defaults are left to whoever has the whole datastore.
    """

    def __init__(
        self,
        module: Module,
        name: str,
        struct: Struct,
        *,
        config: bool,
        entry: bool = False,
        keys: tuple[str, ...] = (),
    ) -> None:
        self.module = module
        self.name = name
        self.namespace = module.namespace
        self.tag = f"{{{module.namespace}}}{name}"
        self.config = config
        self.entry = entry
        self.keys = keys
        self.cls: type[Body] = struct.cls
        self._body: _Message[Body] = _Message(module, name, struct, ())
        self._member = f"{module.name}:{name}"

    def encode_xml(self, value: Body) -> bytes:
        """Return the element, with its namespace."""
        body = self._body.write_xml(value, self.namespace)
        return f'<{self.name} xmlns="{self.namespace}">{body}</{self.name}>'.encode()

    def encode_json(self, value: Body) -> Json:
        """Return {"module:name": {…}}, or {"module:name": [{…}]} for an entry of a list (RFC 8040 section 4.3)."""
        body = self._body.write_json(value)
        return {self._member: [body] if self.entry else body}

    def decode_xml(self, element: _Element) -> Body:
        """Return what the element says: its name is not looked at."""
        return self._body.read_xml(element)

    def decode_json(self, raw: Json) -> Body:
        """Return what `encode_json` returns for it."""
        body = self._body.unwrapped(raw, self._member)
        if self.entry and type(body) is list and len(body) == 1:
            body = body[0]
        return self._body.read_json(body)
