"""Backup and restore of the tables, by the command, between storage accounts."""

import base64
import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.data.tables import EdmType, EntityProperty, TableServiceClient
from azure.storage.blob import BlobServiceClient

from infra.tables.__main__ import main
from infra.tables.folder import all_tables
from infra.tables.problems import explain
from infra.tables.restore import transactions
from infra.tables.rows import to_line
from tests.operate.raw import raw_rows

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.xdist_group("operate")

EVERY_TYPE: dict[str, Any] = {
    "Text": "ä\u2028\"'\\ \U0001f40d",
    "Empty": "",
    "True": True,
    "False": False,
    "Small": EntityProperty(-(2**31), EdmType.INT32),
    "Long": EntityProperty(2**63 - 1, EdmType.INT64),
    "LongButSmall": EntityProperty(7, EdmType.INT64),
    "Double": 0.1 + 0.2,
    "WholeDouble": EntityProperty(1.0, EdmType.DOUBLE),
    "Tiny": 5e-324,
    "NaN": float("nan"),
    "Infinity": float("inf"),
    "MinusInfinity": float("-inf"),
    "Guid": UUID("0aaf1c8e-6f4d-4c3c-9f3c-6d5f3d9c1a01"),
    "Binary": bytes(range(256)),
    "NoBytes": b"",
    "When": datetime(2026, 3, 2, 9, 0, 0, 250_000, tzinfo=UTC),
    "SevenDigits": EntityProperty("2026-03-02T09:00:00.1234567Z", EdmType.DATETIME),
    "Old": EntityProperty("1601-01-01T00:00:00Z", EdmType.DATETIME),
}


def fill(connection: str, table: str, rows: list[dict[str, Any]]) -> None:
    """Rows of one partition."""
    with TableServiceClient.from_connection_string(connection) as service:
        client = service.create_table_if_not_exists(table)
        for start in range(0, len(rows), 100):
            client.submit_transaction([("create", row) for row in rows[start : start + 100]])


def some(count: int, partition: str = "p", **more: Any) -> list[dict[str, Any]]:
    return [{"PartitionKey": partition, "RowKey": f"r{n:05}", "Number": n, **more} for n in range(count)]


def backup(source: str, folder: Path, *more: str) -> int:
    return main(["backup", "--to", str(folder), "--connection", source, *more])


def restore(folder: Path, target: str, *more: str) -> int:
    return main(["restore", "--from", str(folder), "--connection", target, *more])


def verify(folder: Path, *connection: str) -> int:
    return main(["verify", "--from", str(folder), *(["--connection", *connection] if connection else [])])


def test_every_type_of_value_comes_back_as_the_service_told_of_it(
    empty_account: Callable[[], str], tmp_path: Path
) -> None:
    source, target, folder = empty_account(), empty_account(), tmp_path / "backup"
    fill(source, "Apps", [{"PartitionKey": "a b", "RowKey": "it's", **EVERY_TYPE}])

    assert backup(source, folder) == 0
    assert restore(folder, target) == 0

    before, after = raw_rows(source), raw_rows(target)
    row = before["Apps"]["a b", "it's"]
    assert set(EVERY_TYPE) <= set(row), "the source has not taken every value"
    assert row["SevenDigits"] == "2026-03-02T09:00:00.1234567Z"
    assert (row["WholeDouble"], row["Long@odata.type"], row["Guid@odata.type"]) == ("1.0", "Edm.Int64", "Edm.Guid")
    assert after["Apps"] == before["Apps"]
    assert sorted(after) == all_tables(), "tables without rows are there, too"


def test_many_pages_and_partitions_come_back_whole_and_verify_says_so(
    empty_account: Callable[[], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target, folder = empty_account(), empty_account(), tmp_path / "backup"
    fill(source, "Invitations", some(1203, "one"))
    fill(source, "Invitations", some(3, "Two"))
    fill(source, "Trail", some(12, "20", Text="x" * 30_000))

    assert backup(source, folder) == 0
    assert restore(folder, target) == 0

    after = raw_rows(target)
    assert {table: after[table] for table in ("Invitations", "Trail")} == raw_rows(source)
    assert verify(folder, target) == 0
    with TableServiceClient.from_connection_string(target) as service:
        client = service.get_table_client("Invitations")
        client.upsert_entity({"PartitionKey": "one", "RowKey": "r00007", "Number": EntityProperty(7, EdmType.INT64)})
        client.delete_entity("one", "r01202")
        client.upsert_entity({"PartitionKey": "Zz", "RowKey": "new"})
    capsys.readouterr()
    assert verify(folder, target) == 1
    shown = capsys.readouterr().out
    assert "Invitations: 3 rows differ" in shown
    assert "different: one r00007" in shown
    assert "in the backup alone: one r01202" in shown
    assert "in the account alone: Zz new" in shown


def test_a_restore_that_was_killed_and_run_again_ends_as_one_that_was_not(
    empty_account: Callable[[], str], tmp_path: Path
) -> None:
    source, target, folder = empty_account(), empty_account(), tmp_path / "backup"
    for partition in "abc":
        fill(source, "Audits", some(200, partition, Text="x" * 5000))
    fill(source, "Trail", some(5))
    assert backup(source, folder) == 0
    command = [sys.executable, "-m", "infra.tables", "restore", "--from", str(folder), "--connection", target]

    with TableServiceClient.from_connection_string(target) as service:
        first = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        wait_for(lambda: any(has_rows(service, table) for table in ("Audits", "Trail")))
        first.send_signal(signal.SIGKILL)
        first.wait()
        assert not has_rows(service, "Trail"), "it was over before it was killed"

    assert restore(folder, target) == 0
    assert verify(folder, target) == 0
    assert restore(folder, target) == 1, "whole, and refused from now on like every account with rows"


def has_rows(service: TableServiceClient, table: str) -> bool:
    try:
        return any(True for _ in service.get_table_client(table).list_entities(select="RowKey", results_per_page=1))
    except ResourceNotFoundError:
        return False


def wait_for[T](what: Callable[[], T], within_s: float = 30) -> T:
    deadline = time.monotonic() + within_s
    while not (found := what()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def damaged(folder: Path) -> Iterator[str]:
    """Every way in turn; each is put right again afterwards."""
    apps, manifest = folder / "tables" / "Apps.jsonl.gz", folder / "manifest.json"
    whole, listed = apps.read_bytes(), manifest.read_text()
    apps.write_bytes(whole[:20] + bytes([whole[20] ^ 1]) + whole[21:])
    yield "is damaged"
    apps.unlink()
    yield "is missing"
    apps.write_bytes(whole)
    manifest.write_text(listed.replace('"count": 2', '"count": 3'))
    yield "has 2 rows and not 3"
    manifest.write_text(listed.replace("tables/Apps.jsonl.gz", "../elsewhere"))
    yield "no file of this backup"
    manifest.write_text(listed[:100])
    yield "cannot be read"
    manifest.write_text(listed.replace('"format": 1', '"format": 2'))
    yield "newer version"
    manifest.unlink()
    yield "broken off"


def test_a_damaged_backup_is_noticed_before_anything_is_written(
    empty_account: Callable[[], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target, folder = empty_account(), empty_account(), tmp_path / "backup"
    fill(source, "Apps", some(2))
    assert backup(source, folder) == 0

    for said in damaged(folder):
        capsys.readouterr()
        assert (verify(folder), restore(folder, target)) == (1, 1), said
        assert capsys.readouterr().err.count(f" {said}") == 2, said
        assert raw_rows(target) == {}, said


def test_an_account_with_rows_is_refused_until_it_is_said_whose_win(
    empty_account: Callable[[], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, folder = empty_account(), tmp_path / "backup"
    fill(source, "Setups", some(150, Of="backup"))
    assert backup(source, folder) == 0
    targets = {choice: empty_account() for choice in ("replace", "keep")}

    for choice, target in targets.items():
        other = {"PartitionKey": "p", "RowKey": "r00500", "Of": "account"}
        fill(target, "Setups", [{"PartitionKey": "p", "RowKey": "r00120", "Of": "account"}, other])
        before = raw_rows(target)
        assert restore(folder, target) == 1
        assert "not empty: there are rows in Setups" in capsys.readouterr().err
        assert raw_rows(target) == before
        assert restore(folder, target, "--into-existing", choice) == 0

    for choice, target in targets.items():
        rows = raw_rows(target)["Setups"]
        assert len(rows) == 151
        assert rows["p", "r00500"]["Of"] == "account", "what the backup does not know stays"
        assert rows["p", "r00120"]["Of"] == ("backup" if choice == "replace" else "account")
        assert rows["p", "r00149"]["Of"] == "backup"


def test_a_backup_while_rows_come_go_and_change_ends_and_is_whole(
    empty_account: Callable[[], str], tmp_path: Path
) -> None:
    source, target, folder = empty_account(), empty_account(), tmp_path / "backup"
    fill(source, "Invitations", some(2500, Text="x" * 500))
    over = threading.Event()

    def change() -> None:
        with TableServiceClient.from_connection_string(source) as service:
            client, n = service.get_table_client("Invitations"), 0
            while not over.is_set():
                client.delete_entity("p", f"r{n:05}")
                client.upsert_entity({"PartitionKey": "p", "RowKey": f"r{2499 - n:05}", "Number": -n})
                client.create_entity({"PartitionKey": "p", "RowKey": f"q{n:05}"})
                n += 1

    changing = threading.Thread(target=change)
    changing.start()
    try:
        assert backup(source, folder) == 0
    finally:
        over.set()
        changing.join()

    assert (verify(folder), restore(folder, target), verify(folder, target)) == (0, 0, 0)
    # What nobody touched is there.
    assert {("p", f"r{n:05}") for n in range(1200, 1300)} <= set(raw_rows(target)["Invitations"])


def test_files_of_imports_come_along_when_asked_for(empty_account: Callable[[], str], tmp_path: Path) -> None:
    source, target, without = empty_account(), empty_account(), empty_account()
    files = {"fe62a1b2c3d40123456789.csv": os.urandom(5_000_000), "odd/na me": b""}
    with BlobServiceClient.from_connection_string(source) as service:
        container = service.create_container("imports")
        for name, content in files.items():
            container.upload_blob(name, content)

    assert backup(source, tmp_path / "with", "--files") == 0
    assert backup(source, tmp_path / "without") == 0
    assert restore(tmp_path / "with", target) == 0
    assert restore(tmp_path / "without", without) == 0

    with BlobServiceClient.from_connection_string(target) as service:
        container = service.get_container_client("imports")
        assert {b.name: container.download_blob(b.name).readall() for b in container.list_blobs()} == files
    with BlobServiceClient.from_connection_string(without) as service:
        assert [c.name for c in service.list_containers()] == []
    [file] = (tmp_path / "with" / "files").glob("fe62*")
    file.write_bytes(file.read_bytes()[:-1])
    assert verify(tmp_path / "with") == 1


def test_the_same_rows_make_the_same_file(empty_account: Callable[[], str], tmp_path: Path) -> None:
    source = empty_account()
    fill(source, "Mirror", some(20, **EVERY_TYPE))

    for name in ("one", "other"):
        assert backup(source, tmp_path / name) == 0

    one, other = ((tmp_path / name / "tables" / "Mirror.jsonl.gz").read_bytes() for name in ("one", "other"))
    assert one == other
    first = json.loads(gzip.decompress(one).splitlines()[0])
    assert base64.b64decode(first["Binary"]) == EVERY_TYPE["Binary"]


def test_a_backup_takes_a_folder_of_its_own_that_only_its_owner_reads(
    empty_account: Callable[[], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = empty_account()

    assert backup(source, tmp_path / "new" / "backup") == 0
    assert (tmp_path / "new" / "backup").stat().st_mode & 0o077 == 0
    assert backup(source, tmp_path / "new") == 1
    assert "is not empty" in capsys.readouterr().err


def test_transactions_stay_within_what_the_service_takes() -> None:
    small, large = some(250), some(10, "q", Text="x" * 900_000)
    lines = [to_line(row).encode() for row in [*small, *large]]

    found = list(transactions(iter(lines)))

    assert [len(rows) for rows in found] == [100, 100, 50, *([1] * 10)]
    assert all(len({row["PartitionKey"] for row in rows}) == 1 for rows in found)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--connection", "nonsense"], "no connection string"),
        (["--account", "Not_A_Name"], "no name of a storage account"),
        (
            ["--connection", "DefaultEndpointsProtocol=http;AccountName=gone;AccountKey=YQ==;"
             "TableEndpoint=http://127.0.0.1:9/gone;BlobEndpoint=http://127.0.0.1:9/gone"],
            "cannot be reached",
        ),
    ],
)  # fmt: skip
def test_what_stops_the_command_is_said_in_one_line_and_without_a_trace(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("infra.tables.accounts._RETRIES", {"retry_total": 0})

    assert main(["backup", "--to", str(tmp_path / "backup"), *arguments]) == 1

    shown = capsys.readouterr().err
    assert said in shown
    assert "Traceback" not in shown
    assert not (tmp_path / "backup").exists(), "nothing is in the way of another try"


@pytest.mark.filterwarnings("ignore:Testing an element's truth value:DeprecationWarning")  # in the SDK
def test_a_wrong_key_is_told_apart_from_a_missing_role(
    empty_account: Callable[[], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, _, after = empty_account().partition("AccountKey=")
    wrong = f"{before}AccountKey={base64.b64encode(b'wrong').decode()};{after.partition(';')[2]}"

    assert backup(wrong, tmp_path / "backup") == 1

    assert "the key is wrong" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("AuthorizationPermissionMismatch", "'Storage Table Data Reader' to back up"),
        ("KeyBasedAuthenticationNotPermitted", "Use --account guests"),
        ("AuthorizationFailure", "network rules"),
        ("InvalidAuthenticationInfo", "az login --tenant"),
        ("ServerBusy", "refused (ServerBusy)"),
    ],
)
def test_what_azure_refuses_for_comes_with_what_to_do(code: str, said: str) -> None:
    # Azurite knows neither roles nor networks: the errors are made as the SDK makes them.
    error = HttpResponseError(f"{code} and a long story")
    error.status_code, error.error_code = 403, code  # type: ignore[attr-defined]

    assert said in str(explain(error, "guests"))
