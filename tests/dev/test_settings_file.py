"""The settings file serves Core Tools as well: it can be had without our host."""

import json

from local.host.configuration import read_local_settings
from local.stack import Stack


def test_storage_and_directory_alone_come_with_settings_for_another_host() -> None:
    with Stack(start_host=False, extra_settings={"GUESTLIST_STALL_TIMEOUT": "PT1M"}) as stack:
        file = stack.write_settings()

        content = json.loads(file.read_text(encoding="utf-8"))
        values = read_local_settings(file)
        assert stack.host_url == ""
    assert content["IsEncrypted"] is False
    assert values["FUNCTIONS_WORKER_RUNTIME"] == "python"
    assert values["GuestlistStorage"] == values["AzureWebJobsStorage"]
    assert values["GUESTLIST_GRAPH_URL"] == f"{stack.simulator_url}/v1.0"
    assert values["GUESTLIST_STALL_TIMEOUT"] == "PT1M"
    assert all(isinstance(value, str) for value in values.values())
