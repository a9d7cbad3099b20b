"""Texts that somebody chose: names, notes and messages, without what a reader does not see or a terminal obeys; and
the placeholders that a message may hold.

One mechanism for all of them: what comes in is checked here, and what was kept or read elsewhere before is cleaned
here on its way out. Categories are those of Unicode (UAX 44), `unicodedata.category`.
"""

import re
import unicodedata
from collections.abc import Mapping

from shared.core.errors import Refused
from shared.core.reasons import Reason

NAME_LIMIT = 256
"""Characters of a display name that Entra ID takes. Source: Microsoft Graph, resource type user, `displayName`."""

_JOINERS = "\u200c\u200d"
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""What turns the direction of the text after it. Source: Unicode, property Bidi_Control."""
_REFUSED = frozenset({"Cc", "Cs", "Co", "Zl", "Zp"})
_DROPPED = frozenset({"Cc", "Cf", "Cs", "Co"})

_LINK = re.compile(r"[a-z][a-z0-9+.-]*://|\bwww[.。]|\bmailto:", re.IGNORECASE)
_HOST = re.compile(r"(?<![\w-])(?:[\w-]+[.。])+(?P<last>[^\W\d_]{2,}|xn--[\w-]+)(?![\w-])")
_TAIL = re.compile(
    r"[^\W\d_]{2}|xn--.*|com|org|net|info|biz|app|dev|xyz|top|online|site|shop|store|club|live|link|click|page|cloud|"
    r"website|space|tech|support|help|email|edu|gov|mil|int|pro|name|mobi|asia|art|blog|work|world|today|life|news|zip|"
    r"mov|test|example|invalid",
    re.IGNORECASE,
)
"""Last parts of web addresses: what a mail program may make a link of, though nobody wrote one."""


def one_line(text: str) -> str:
    """The text on one line, whatever it holds, for people to read: control and format characters are dropped, but
    for joiners that join, white space of every kind is one space."""
    return " ".join(_shown(" ".join(text.splitlines())).split())


def lines(text: str) -> str:
    """The same, but lines stay; breaks of every kind are newlines, and there are none at the ends."""
    return "\n".join(_shown(line).rstrip() for line in text.splitlines()).strip("\n")


def label(text: str, field: str) -> str:
    """A name of a thing, as it is kept: one line, nothing hidden in it. Raises Refused `name-invalid`, naming the
    first character that no name has."""
    for c in text.strip():
        if unicodedata.category(c) in _REFUSED or c in _BIDI:
            what = unicodedata.name(c, "a control character").lower()
            raise Refused(Reason.NAME_INVALID, f"A name is one line of text: U+{ord(c):04X} ({what})", field=field)
    return one_line(text)


def person_name(text: str, field: str) -> str:
    """A name of a person: a label without address or link, as it goes to the directory and into mails. Raises Refused
    `name-invalid`."""
    name = label(text, field)
    seen = unicodedata.normalize("NFKC", name)
    if "@" in seen:
        raise Refused(Reason.NAME_INVALID, "A name has no @ in it: the address has a field of its own", field=field)
    if _LINK.search(seen) or any(_TAIL.fullmatch(found["last"]) for found in _HOST.finditer(seen)):
        raise Refused(Reason.NAME_INVALID, "A name has no link and no web address in it", field=field)
    return name


def guest_name(text: str | None, address: str) -> str | None:
    """The name that a guest gets; None where there is none, or it is the guest's own address again. Raises Refused
    `name-invalid` as `person_name`, or where it is longer than Entra ID takes."""
    if text is None or not text.strip() or text.strip().lower() == address.strip().lower():
        return None
    if len(name := person_name(text, "displayName")) > NAME_LIMIT:
        raise Refused(Reason.NAME_INVALID, f"longer than {NAME_LIMIT} characters", field="displayName")
    return name or None


def harmless(text: str) -> str:
    """The text without control characters, but for tabs and line breaks, and without what turns its direction: for
    a file that is a record, and otherwise holds what was written to the letter."""
    return "".join(c for c in text if c in "\t\r\n" or (unicodedata.category(c) != "Cc" and c not in _BIDI))


def _shown(text: str) -> str:
    spaced = "".join(" " if c == "\t" or unicodedata.category(c)[0] == "Z" else c for c in text)
    kept = "".join(c for c in spaced if c in _JOINERS or unicodedata.category(c) not in _DROPPED)
    return "".join(c for n, c in enumerate(kept) if c not in _JOINERS or _joins(kept, n))


def _joins(text: str, at: int) -> bool:
    """Joiners stand between letters of scripts that need them, and within emoji."""
    return 0 < at < len(text) - 1 and all(unicodedata.category(text[n])[0] in "LMS" for n in (at - 1, at + 1))


PLACEHOLDERS = ("guest", "app", "inviter")
"""The guest's name, what they are invited to, and who invites."""

_BRACES = re.compile(r"\{([^{}\s]{1,40})\}")


def unknown_placeholders(text: str) -> list[str]:
    """Names in braces that stand for nothing, in their order."""
    return [name for name in dict.fromkeys(_BRACES.findall(text)) if name not in PLACEHOLDERS]


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with the values in place; a value's own braces stay as they are."""
    return _BRACES.sub(lambda found: values.get(found[1], found[0]), text)
