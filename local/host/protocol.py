"""The messages between the Functions host and its Python worker, as real protobuf classes, and their framing.

Names and types are those of `FunctionRpc.proto` (Azure/azure-functions-language-worker-protobuf), as far as the
worker library and the host use them. Azure sends them over gRPC; here each goes over a socket behind its length.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

# The app's process imports this once it looks into the app's packages first: it gets the app's protobuf, if any.
from google.protobuf import descriptor_pb2, descriptor_pool, duration_pb2, message_factory, timestamp_pb2

_SCHEMA = Path(__file__).with_name("protocol.txt")
"""The messages; its first lines say how they are written."""

_PACKAGE = "AzureFunctionsRpcMessages"
_LENGTH = struct.Struct(">I")
_FIELD = re.compile(r"(?:(\w+)!)?(map<)?([\w.]+)>?(\*)?\s+(\w+)=(\d+)")
_SCALAR = {
    name: getattr(descriptor_pb2.FieldDescriptorProto, f"TYPE_{name.upper()}")
    for name in ("string", "bytes", "bool", "int32", "sint64", "double")
}
_KNOWN = {"Duration": ".google.protobuf.Duration", "Timestamp": ".google.protobuf.Timestamp"}


def _make() -> SimpleNamespace:
    file = descriptor_pb2.FileDescriptorProto(name="FunctionRpc.proto", package=_PACKAGE, syntax="proto3")
    file.dependency.extend([duration_pb2.DESCRIPTOR.name, timestamp_pb2.DESCRIPTOR.name])
    made: dict[str, Any] = {}
    text = re.sub(r"(?m)^#.*\n", "", _SCHEMA.read_text(encoding="utf-8"))
    lines = re.sub(r",\n\s+", ", ", text).strip().splitlines()
    enums = {line.split(":")[0].removeprefix("enum ") for line in lines if line.startswith("enum ")}
    for line in lines:
        name, _, content = line.partition(": ")
        if name.startswith("enum "):
            outer, _, inner = name.removeprefix("enum ").partition(".")
            enum = made[outer].enum_type.add(name=inner)
            for value in content.split(", "):
                label, _, number = value.partition("=")
                enum.value.add(name=label, number=int(number))
        else:
            made[name] = file.message_type.add(name=name)
            for field in content.split(", "):
                _add_field(made[name], field, enums)
    descriptor_pool.Default().Add(file)
    classes = message_factory.GetMessageClassesForFiles([file.name], descriptor_pool.Default())
    return SimpleNamespace(**{name: classes[f"{_PACKAGE}.{name}"] for name in made})


def _add_field(message: Any, text: str, enums: set[str]) -> None:
    match = _FIELD.fullmatch(text)
    if match is None:
        raise ValueError(text)
    group, is_map, kind, repeated, name, number = match.groups()
    kinds = descriptor_pb2.FieldDescriptorProto
    field = message.field.add(name=name, number=int(number), label=kinds.LABEL_OPTIONAL)
    if is_map:
        entry = message.nested_type.add(name="".join(part.capitalize() for part in name.split("_")) + "Entry")
        entry.options.map_entry = True
        _add_field(entry, "string key=1", enums)
        _add_field(entry, f"{kind} value=2", enums)
        field.label, field.type = kinds.LABEL_REPEATED, kinds.TYPE_MESSAGE
        field.type_name = f".{_PACKAGE}.{message.name}.{entry.name}"
        return
    if repeated:
        field.label = kinds.LABEL_REPEATED
    if kind in _SCALAR:
        field.type = _SCALAR[kind]
    else:
        field.type = kinds.TYPE_ENUM if kind in enums else kinds.TYPE_MESSAGE
        field.type_name = _KNOWN.get(kind, f".{_PACKAGE}.{kind}")
    if group:
        names = [oneof.name for oneof in message.oneof_decl]
        if group not in names:
            names.append(group)
            message.oneof_decl.add(name=group)
        field.oneof_index = names.index(group)


protos: Any = _make()
"""The message classes by name, as the `protos` module that the host's worker hands to the library."""


def frame(message: Any) -> bytes:
    """A `StreamingMessage` as it is sent."""
    content: bytes = message.SerializeToString()
    return _LENGTH.pack(len(content)) + content


class Unframer:
    """Takes bytes as they arrive and gives the `StreamingMessage`s in them."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, content: bytes) -> Iterator[Any]:
        """Every message that is whole by now."""
        self._buffer += content
        while len(self._buffer) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self._buffer)[0]
            if len(self._buffer) < end:
                return
            message = protos.StreamingMessage.FromString(bytes(self._buffer[_LENGTH.size : end]))
            del self._buffer[:end]
            yield message
