"""The run time of the generated bindings: values from XML and RFC 7951 JSON, and back, as the schema says.

Pure: no I/O, no clock. The generated module `northbound.bindings.schema` builds one `Rpc`, `Notification` or `Data` for
each operation and resource of the YANG modules out of `Struct`s (a class and its nodes), nodes (`Leaf`, `LeafList`,
`Container`, `List`) and scalars (a type and its restrictions).

    XML element ─┐                                      ┌─ str of XML
                 ├─ Struct ─ Node ─ Scalar ─ dataclass ─┤
    JSON object ─┘   structure  order  values           └─ JSON object
"""

from __future__ import annotations

from promise.northbound.codec.choice import Case, Choice
from promise.northbound.codec.container import Container
from promise.northbound.codec.document import parse_json
from promise.northbound.codec.identity import IdentityRef
from promise.northbound.codec.module import Module
from promise.northbound.codec.moment import DATE_AND_TIME
from promise.northbound.codec.node import Flag, Leaf, Must, When
from promise.northbound.codec.numbers import (
    INT8,
    INT16,
    INT32,
    INT64,
    UINT8,
    UINT16,
    UINT32,
    UINT64,
    Decimal64,
    Integer,
)
from promise.northbound.codec.operation import Data, Notification, Rpc
from promise.northbound.codec.scalar import BOOLEAN, EMPTY, Json
from promise.northbound.codec.series import LeafList, List
from promise.northbound.codec.struct import Struct
from promise.northbound.codec.text import BINARY, STRING, Binary, Bits, Enumeration, Length, Pattern, String
from promise.northbound.codec.union import Union

__all__ = [
    "BINARY",
    "BOOLEAN",
    "DATE_AND_TIME",
    "EMPTY",
    "INT8",
    "INT16",
    "INT32",
    "INT64",
    "STRING",
    "UINT8",
    "UINT16",
    "UINT32",
    "UINT64",
    "Binary",
    "Bits",
    "Case",
    "Choice",
    "Container",
    "Data",
    "Decimal64",
    "Enumeration",
    "Flag",
    "IdentityRef",
    "Integer",
    "Json",
    "Leaf",
    "LeafList",
    "Length",
    "List",
    "Module",
    "Must",
    "Notification",
    "Pattern",
    "Rpc",
    "String",
    "Struct",
    "Union",
    "When",
    "parse_json",
]
