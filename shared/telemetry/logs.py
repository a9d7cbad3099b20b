"""Logs without personal data: whatever a record says, addresses in it become keyed hashes.

Guestlist's own lines hold ids and reasons. What other libraries and exceptions put into theirs cannot be known, so
that every record of the process is looked at as it is made. A hash is the same for the same address as long as the
key is, so that one guest's lines can be found without the address standing in any.
"""

import hashlib
import hmac
import logging
import re
import traceback
from typing import Any
from urllib.parse import unquote

_TOKEN = r"[^\s<>\"'`(),;:/\\=?&|\[\]{}@]"  # noqa: S105 - a pattern
_ADDRESS = re.compile(rf"{_TOKEN}+?(?:@|%40)(?!odata\.){_TOKEN}+\.{_TOKEN}*[^\s<>\"'`(),;:/\\=?&|\[\]{{}}@.]", re.I)
_DIGITS = 16
_NOISY = ("azure.core", "azure.data", "azure.identity", "azure.monitor", "azure.storage", "httpx", "msal")
"""Libraries that write a line for each request or token: some with whole addresses, and ours hold guests' in filters.
Levels in ``host.json`` do not reach them: to the host every line of a function is ``Function.<name>.User``. The
worker's own ``azure.functions`` is left as it is."""


class Pseudonyms:
    """What stands in logs for an address. Without a key yet nobody can be told from another; with `in_clear`
    addresses stay as they are."""

    def __init__(self) -> None:
        self._key: bytes | None = None
        self.in_clear = False

    def use(self, key: bytes) -> None:
        self._key = key

    def of(self, address: str) -> str:
        """``guest-`` and 16 hex digits of HMAC-SHA256 over the address as it is compared: in lower case."""
        return self._hash("guest", unquote(address))

    def of_person(self, object_id: str) -> str:
        """``person-`` and digits as of an address: who acts, by the id of the account."""
        return self._hash("person", object_id)

    def of_domain(self, domain: str) -> str:
        """``domain-`` and digits as of an address: a domain may be one person's own."""
        return self._hash("domain", domain)

    def _hash(self, kind: str, text: str) -> str:
        if self.in_clear:
            return text
        if self._key is None:
            return f"{kind}-unknown"
        return f"{kind}-{hmac.new(self._key, text.casefold().encode(), hashlib.sha256).hexdigest()[:_DIGITS]}"

    def without_addresses(self, text: str) -> str:
        """The text with every address replaced."""
        if self.in_clear or ("@" not in text and "%40" not in text):
            return text
        return _ADDRESS.sub(lambda found: self.of(found[0]), text)


pseudonyms = Pseudonyms()
"""Those of this process: its logs are one stream, whoever writes."""


class SanitizedError(Exception):
    """An exception in words that may leave the process: the host writes down what a handler raises."""


def sanitize(error: BaseException) -> BaseException:
    """The exception itself where no address stands in it or in what it came of; otherwise one in clean words."""
    whole = "".join(traceback.format_exception(error))
    clean = pseudonyms.without_addresses(whole)
    if clean == whole:
        return error
    return SanitizedError(f"{type(error).__name__}: {pseudonyms.without_addresses(str(error))}")


def guard_records() -> None:
    """From now on no record of this process holds an address. Safe to repeat."""
    make = logging.getLogRecordFactory()
    if isinstance(make, _Guarded):
        return
    logging.setLogRecordFactory(_Guarded(make))
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


class _Guarded:
    """Makes records, and cleans what they say."""

    def __init__(self, make: Any) -> None:
        self._make = make

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record: logging.LogRecord = self._make(*args, **kwargs)
        try:
            text = record.getMessage()
        except (TypeError, ValueError):
            return record  # logging itself reports what does not fit its format
        clean = pseudonyms.without_addresses(text)
        if clean != text:
            record.msg, record.args = clean, ()
        if record.exc_info and record.exc_info[1] is not None:
            whole = "".join(traceback.format_exception(*record.exc_info))
            replaced = pseudonyms.without_addresses(whole)
            if replaced != whole:
                # Handlers would write the exception in its own words: what may be told of it goes into the message.
                record.msg, record.args, record.exc_info = f"{clean}\n{replaced}", (), None
        return record
