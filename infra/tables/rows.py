"""A row of a table as a line of JSON, and back, with nothing lost: the service's types are written where JSON cannot
tell them, times as the service's own text (it keeps seven digits, Python six).

The form is that of the service itself (``odata=minimalmetadata``). Source: "Payload format for Table service
operations". The service writes the time stamp again; it is not kept.
"""

import base64
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from azure.data.tables import EdmType, EntityProperty

type Row = Mapping[str, Any]
type Key = tuple[str, str]

_TYPE = "@odata.type"


def to_line(row: Row) -> str:
    """One line, without its end; the same for the same row."""
    shown: dict[str, Any] = {}
    for name in sorted(row):
        kind, shown[name] = _plain(row[name])
        if kind is not None:
            shown[name + _TYPE] = kind
    return json.dumps(shown, separators=(",", ":"), allow_nan=False)


def from_line(line: str | bytes) -> dict[str, Any]:
    """A row as the SDK takes it.

    Raises:
        ValueError: this is no row.
    """
    shown = json.loads(line)
    if not isinstance(shown, dict) or not all(isinstance(shown.get(k), str) for k in ("PartitionKey", "RowKey")):
        raise ValueError("no row: it has no keys")
    return {name: _typed(value, shown.get(name + _TYPE)) for name, value in shown.items() if _TYPE not in name}


def key_of(row: Row) -> Key:
    return str(row["PartitionKey"]), str(row["RowKey"])


def _plain(value: Any) -> tuple[str | None, Any]:
    if isinstance(value, EntityProperty):
        kind, value = EdmType(value.edm_type), value.value
        # The SDK gives none but long numbers so.
        return (kind.value, str(value)) if kind is EdmType.INT64 else _plain(value)
    match value:
        case bool() | str() | int():
            return None, value
        case float():
            return EdmType.DOUBLE.value, value if math.isfinite(value) else _NOT_FINITE[str(value)]
        case datetime():
            text = getattr(value, "tables_service_value", "") or f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
            return EdmType.DATETIME.value, text
        case UUID():
            return EdmType.GUID.value, str(value)
        case bytes():
            return EdmType.BINARY.value, base64.b64encode(value).decode()
    raise ValueError(f"a value of a kind that tables do not have: {type(value).__name__}")


_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def _typed(value: Any, kind: str | None) -> Any:
    match kind:
        case None:
            return value
        case EdmType.INT64:
            return EntityProperty(int(value), EdmType.INT64)
        case EdmType.BINARY:
            return base64.b64decode(value, validate=True)
        case EdmType.DOUBLE:
            return float(value)
        case EdmType.DATETIME | EdmType.GUID:
            # As text: the SDK hands it on as it is.
            return EntityProperty(value, kind)
    raise ValueError(f"no type of tables: {kind}")
