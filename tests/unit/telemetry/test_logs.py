"""No record of the process holds an address, and no line a text that somebody chose."""

import ast
import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.telemetry.logs import Pseudonyms, SanitizedError, guard_records, pseudonyms, sanitize

KEY = bytes(range(32))
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What a logger writes, with the records of this process guarded."""
    before = logging.getLogRecordFactory()
    guard_records()
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    log = logging.getLogger("guarded")
    log.addHandler(handler)
    pseudonyms.use(KEY)
    yield stream
    pseudonyms.__init__()  # type: ignore[misc]
    log.removeHandler(handler)
    logging.setLogRecordFactory(before)


@pytest.mark.parametrize(
    "address",
    [
        "ada@fabrikam.com",
        "Ada.Lovelace@Fabrikam.co.uk",
        "o'hara@fabrikam.com",
        "ada%40fabrikam.com",
        "ada_fabrikam.com#EXT#@contoso.onmicrosoft.com",
        "ädä@bücher.example.com",
        "ada+tag@fabrikam.com",
    ],
)
@pytest.mark.parametrize(
    "text", ["{}", "mail eq '{}' or x", "to <{}>.", "/users/{}/messages", "[{}], next", "a={}&b=c"]
)
def test_an_address_never_stands_in_a_text(address: str, text: str) -> None:
    told = Pseudonyms().without_addresses(text.format(address))

    assert "@" not in told
    assert "%40" not in told
    assert "fabrikam" not in told.lower()
    assert "bücher" not in told


@pytest.mark.parametrize("text", ["members@odata.bind", "@odata.nextLink", "a @ b", "no address", "5 % 40", "x@y"])
def test_what_is_no_address_stays(text: str) -> None:
    assert Pseudonyms().without_addresses(text) == text


def test_an_address_has_one_hash_however_it_is_written() -> None:
    names = Pseudonyms()
    names.use(KEY)

    assert names.of("Ada@Fabrikam.com") == names.of("ada%40fabrikam.com")
    assert names.of("ada@fabrikam.com") != names.of("bob@fabrikam.com")
    assert names.of("ada@fabrikam.com").startswith("guest-")


def test_another_key_makes_other_hashes_and_no_key_tells_nobody_apart() -> None:
    one, other, none = Pseudonyms(), Pseudonyms(), Pseudonyms()
    one.use(KEY)
    other.use(KEY[::-1])

    assert one.of("ada@fabrikam.com") != other.of("ada@fabrikam.com")
    assert none.of("ada@fabrikam.com") == none.of("bob@fabrikam.com")


def test_addresses_stay_where_an_administrator_wants_them() -> None:
    names = Pseudonyms()
    names.in_clear = True

    assert names.without_addresses("for ada@fabrikam.com") == "for ada@fabrikam.com"
    assert names.of("ada@fabrikam.com") == "ada@fabrikam.com"


def test_arguments_and_exceptions_of_a_record_are_cleaned(lines: io.StringIO) -> None:
    log = logging.getLogger("guarded")
    address = "ada@fabrikam.com"
    log.warning("%s could not be read", address)
    try:
        try:
            raise ValueError(f"no such user: {address}")
        except ValueError as e:
            raise RuntimeError("the step stopped") from e
    except RuntimeError:
        log.exception("stopped")

    written = lines.getvalue()
    assert "fabrikam" not in written
    assert written.count(pseudonyms.of("ada@fabrikam.com")) == 2
    assert "the step stopped" in written
    assert "ValueError" in written


def test_a_record_that_does_not_fit_its_format_harms_nobody(lines: io.StringIO) -> None:
    record = logging.LogRecord("x", logging.INFO, "", 1, "ok %s", ("a@b.com",), None)

    assert record.getMessage() == "ok a@b.com"
    logging.getLogger("guarded").info("%d guests", 3)


def test_what_the_host_would_write_down_is_told_in_clean_words() -> None:
    plain = ValueError("nothing of anybody")
    telling = ValueError("no such user: ada@fabrikam.com")

    assert sanitize(plain) is plain
    told = sanitize(telling)
    assert isinstance(told, SanitizedError)
    assert "fabrikam" not in str(told)
    assert "ValueError" in str(told)


@pytest.mark.parametrize("name", ["azure.identity.aio", "azure.core.pipeline.policies.http_logging_policy", "httpx"])
def test_libraries_that_write_a_line_for_each_request_are_quiet_but_for_warnings(
    lines: io.StringIO, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.INFO, "azure")  # whatever another test of this process set it to
    guard_records()
    log = logging.getLogger(name)

    assert not log.isEnabledFor(logging.INFO)
    assert log.isEnabledFor(logging.WARNING)
    assert logging.getLogger("azure.functions").isEnabledFor(logging.INFO), "the worker's own"


CHOSEN = {
    *("display_name", "name", "reason_given", "note", "file_name", "welcome_message", "detail"),
    *("inviter_name", "creator_name", "authority_name", "by_name", "group_name", "app_name"),
}
"""Fields with texts that somebody chose. What a line holds of them could be a line of its own, or a person's name."""


def lines_with_chosen_texts(source: str) -> list[int]:
    found = []
    for call in ast.walk(ast.parse(source)):
        if (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and ast.unparse(call.func.value) == "log"
        ):
            given = [each for part in (*call.args, *call.keywords) for each in ast.walk(part)]
            if any(isinstance(each, ast.Attribute) and each.attr in CHOSEN for each in given):
                found.append(call.lineno)
    return found


def test_no_line_of_a_log_holds_a_text_that_somebody_chose() -> None:
    assert lines_with_chosen_texts('log.info("invited %s", row.display_name, extra={"x": 1})') == [1]
    files = [file for folder in ("shared", "functions") for file in (ROOT / folder).rglob("*.py")]
    assert len(files) > 200

    found = {str(file.relative_to(ROOT)): lines_with_chosen_texts(file.read_text(encoding="utf-8")) for file in files}
    assert {name: lines for name, lines in found.items() if lines} == {}
