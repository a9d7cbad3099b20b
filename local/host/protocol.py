"""The messages between the Functions host and its Python worker, as real protobuf classes, and their framing.

Azure sends them over gRPC; here each goes over a socket behind its length.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

# The app's process imports this once it looks into the app's packages first: it gets the app's protobuf, if any.
from google.protobuf import descriptor_pb2, descriptor_pool, duration_pb2, message_factory, text_format, timestamp_pb2

_LENGTH = struct.Struct(">I")


def _make() -> SimpleNamespace:
    schema = Path(__file__).with_name("protocol.textproto").read_text(encoding="utf-8")
    file = text_format.Parse(schema, descriptor_pb2.FileDescriptorProto())
    file.dependency.extend([duration_pb2.DESCRIPTOR.name, timestamp_pb2.DESCRIPTOR.name])
    descriptor_pool.Default().Add(file)
    classes = message_factory.GetMessageClassesForFiles([file.name], descriptor_pool.Default())
    return SimpleNamespace(
        **{message.name: classes[f"{file.package}.{message.name}"] for message in file.message_type}
    )


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
