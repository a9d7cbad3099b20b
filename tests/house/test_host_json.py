"""host.json, which no tool reads before Azure does."""

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_host_json_names_the_extensions_that_queues_need() -> None:
    """Without a bundle a host knows HTTP and timers alone: `ScriptStartupTypeLocator` of azure-functions-host."""
    host = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))

    assert host["extensionBundle"] == {
        "id": "Microsoft.Azure.Functions.ExtensionBundle",
        "version": "[4.0.0, 5.0.0)",
    }
