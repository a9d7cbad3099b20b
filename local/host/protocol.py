"""The messages between the Functions host and its Python worker, as real protobuf classes, and their framing.

Names and types are those of `FunctionRpc.proto` (Azure/azure-functions-language-worker-protobuf), as far as the
worker library and the host use them. Azure sends them over gRPC; here each goes over a socket behind its length.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

# The app's process imports this once it looks into the app's packages first: it gets the app's protobuf, if any.
from google.protobuf import descriptor_pb2, descriptor_pool, duration_pb2, message_factory, timestamp_pb2

# A line is a message: `name: field, field …`. A field is `type name=number`; the type ends with `*` where it is
# repeated and is `map<type>` for a map from texts; `oneof!` before it puts it into that oneof. A line that begins
# with `enum` declares one inside the message named before its dot.
_SCHEMA = """
StreamingMessage: string request_id=1, content!StartStream start_stream=20,
    content!WorkerInitRequest worker_init_request=17, content!WorkerInitResponse worker_init_response=16,
    content!FunctionsMetadataRequest functions_metadata_request=29,
    content!FunctionMetadataResponse function_metadata_response=30,
    content!FunctionLoadRequest function_load_request=8, content!FunctionLoadResponse function_load_response=9,
    content!InvocationRequest invocation_request=4, content!InvocationResponse invocation_response=5,
    content!RpcLog rpc_log=2
StartStream: string worker_id=2
WorkerInitRequest: string host_version=1, map<string> capabilities=2, string worker_directory=4,
    string function_app_directory=5
WorkerInitResponse: string worker_version=1, map<string> capabilities=2, StatusResult result=3,
    WorkerMetadata worker_metadata=4
WorkerMetadata: string runtime_name=1, string runtime_version=2, string worker_version=3, string worker_bitness=4,
    map<string> custom_properties=5
StatusResult: StatusResult.Status status=4, string result=1, RpcException exception=2, RpcLog* logs=3
enum StatusResult.Status: Failure=0, Success=1, Cancelled=2
RpcException: string source=3, string stack_trace=1, string message=2, bool is_user_exception=4, string type=5
FunctionsMetadataRequest: string function_app_directory=1
FunctionMetadataResponse: RpcFunctionMetadata* function_metadata_results=1, StatusResult result=2,
    bool use_default_metadata_indexing=3
RpcFunctionMetadata: string name=4, string directory=1, string script_file=2, string entry_point=3,
    map<BindingInfo> bindings=6, bool is_proxy=7, StatusResult status=8, string language=9, string* raw_bindings=10,
    string function_id=13, bool managed_dependency_enabled=14, RpcRetryOptions retry_options=15,
    map<string> properties=16
BindingInfo: string type=2, BindingInfo.Direction direction=3, BindingInfo.DataType data_type=4,
    map<string> properties=5
enum BindingInfo.Direction: in=0, out=1, inout=2
enum BindingInfo.DataType: undefined=0, string=1, binary=2, stream=3
RpcRetryOptions: int32 max_retry_count=2, Duration delay_interval=3, Duration minimum_interval=4,
    Duration maximum_interval=5, RpcRetryOptions.RetryStrategy retry_strategy=6
enum RpcRetryOptions.RetryStrategy: exponential_backoff=0, fixed_delay=1
FunctionLoadRequest: string function_id=1, RpcFunctionMetadata metadata=2, bool managed_dependency_enabled=3
FunctionLoadResponse: string function_id=1, StatusResult result=2, bool is_dependency_downloaded=3
InvocationRequest: string invocation_id=1, string function_id=2, ParameterBinding* input_data=3,
    map<TypedData> trigger_metadata=4, RpcTraceContext trace_context=5, RetryContext retry_context=6
RpcTraceContext: string trace_parent=1, string trace_state=2, map<string> attributes=3
RetryContext: int32 retry_count=1, int32 max_retry_count=2, RpcException exception=3
InvocationResponse: string invocation_id=1, ParameterBinding* output_data=2, TypedData return_value=4,
    StatusResult result=3
ParameterBinding: string name=1, rpc_data!TypedData data=2
TypedData: data!string string=1, data!string json=2, data!bytes bytes=3, data!bytes stream=4, data!RpcHttp http=5,
    data!sint64 int=6, data!double double=7
RpcHttp: string method=1, string url=2, map<string> headers=3, TypedData body=4, map<string> params=10,
    string status_code=12, map<string> query=15, bool enable_content_negotiation=16, TypedData rawBody=17,
    RpcHttpCookie* cookies=19
RpcHttpCookie: string name=1, string value=2, NullableString domain=3, NullableString path=4,
    NullableTimestamp expires=5, NullableBool secure=6, NullableBool http_only=7, RpcHttpCookie.SameSite same_site=8,
    NullableDouble max_age=9
enum RpcHttpCookie.SameSite: None=0, Lax=1, Strict=2, ExplicitNone=3
NullableString: string!string value=1
NullableDouble: double!double value=1
NullableBool: bool!bool value=1
NullableTimestamp: timestamp!Timestamp value=1
RpcLog: string invocation_id=1, string category=2, RpcLog.Level level=3, string message=4, string event_id=5,
    RpcException exception=6, string properties=7, RpcLog.RpcLogCategory log_category=8
enum RpcLog.Level: Trace=0, Debug=1, Information=2, Warning=3, Error=4, Critical=5, None=6
enum RpcLog.RpcLogCategory: User=0, System=1, CustomMetric=2
"""

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
    lines = re.sub(r",\n\s+", ", ", _SCHEMA).strip().splitlines()
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
