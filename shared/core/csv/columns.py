"""Which column of a CSV file means what: the headings people and Microsoft's template write."""

import re
import unicodedata
from enum import StrEnum
from typing import NamedTuple


class Field(StrEnum):
    """What a column means to an import."""

    ADDRESS = "address"
    DISPLAY_NAME = "displayName"
    MESSAGE = "message"
    LANGUAGE = "language"
    EXPIRES = "expires"
    GROUP = "group"
    REDIRECT_ADDRESS = "inviteRedirectUrl"  # Microsoft's template only: the app's own link is used instead
    SEND_MAIL = "sendEmail"  # Microsoft's template only
    UNKNOWN = "unknown"


class NoteKind(StrEnum):
    """What a note is about; callers may count and branch on it."""

    ENCODING_GUESSED = "encoding-guessed"
    COLUMN_UNKNOWN = "column-unknown"
    COLUMN_REPEATED = "column-repeated"
    REDIRECT_IGNORED = "redirect-ignored"
    MAIL_NOT_SUPPRESSED = "mail-not-suppressed"
    MESSAGE_JOINED = "message-joined"


class Note(NamedTuple):
    """What a person should know of the file or of one row, though nothing is wrong with it."""

    kind: NoteKind
    text: str


class Columns(NamedTuple):
    """The columns of a file in its order; `headings` are short, for naming a column to a person."""

    fields: tuple[Field, ...]
    headings: tuple[str, ...]
    notes: tuple[Note, ...]


# Microsoft's bulk-invite template names its columns in brackets, whatever the language of the words around them.
# Source: Entra admin center, Users > Bulk operations > Bulk invite, and "Bulk invite guest users" in
# Microsoft's documentation of Entra External ID.
_TEMPLATE = {
    "inviteeemail": Field.ADDRESS,
    "inviteredirecturl": Field.REDIRECT_ADDRESS,
    "sendemail": Field.SEND_MAIL,
    "customizedmessagebody": Field.MESSAGE,
}

_WORDS = {
    Field.ADDRESS: (
        "address, mail, email, mail address, email address, guest, guest address, "
        "adresse, mailadresse, email adresse, gast, gastadresse"
    ),
    Field.DISPLAY_NAME: "display name, name, full name, guest name, anzeigename, vollständiger name, gastname",
    Field.MESSAGE: (
        "message, welcome message, welcome text, nachricht, begrüßung, begrüßungsnachricht, begrüßungstext, "
        "willkommensnachricht, willkommenstext"
    ),
    Field.LANGUAGE: "language, preferred language, message language, lang, locale, sprache, bevorzugte sprache",
    Field.EXPIRES: (
        "expires, expires on, expires at, expiry, expiry date, expiration, expiration date, valid until, "
        "ablauf, ablaufdatum, läuft ab, läuft ab am, gültig bis"
    ),
    Field.GROUP: "group, group id, group object id, gruppe, gruppen id, objekt id der gruppe",
}


def _plain(heading: str) -> str:
    """Letters and digits only: no case, no spaces, no hyphens; ä as ae, as those write who have no such key."""
    folded = unicodedata.normalize("NFKC", heading).casefold()
    for letter, letters in (("ä", "ae"), ("ö", "oe"), ("ü", "ue")):
        folded = folded.replace(letter, letters)
    return "".join(char for char in folded if char.isalnum())


_FIELDS = {_plain(word): field for field, words in _WORDS.items() for word in words.split(",")} | _TEMPLATE

_BRACKETED = re.compile(r"\[(\w+)\]")
_ADDRESS = re.compile(r"[^@\s<>;,\"]+@[^@\s<>;,\"]+")
_SHOWN_NAMES, _SHOWN_LETTERS = 10, 60


def field_of(heading: str) -> Field:
    """What a column headed so means."""
    for name in _BRACKETED.findall(heading):
        if (found := _TEMPLATE.get(name.casefold())) is not None:
            return found
    return _FIELDS.get(_plain(heading), Field.UNKNOWN)


def is_template(headings: list[str]) -> bool:
    """Whether these are the headings of Microsoft's template."""
    names = {name.casefold() for heading in headings for name in _BRACKETED.findall(heading)}
    return "inviteeemail" in names


def columns_of(headings: list[str]) -> Columns:
    """What each column means. A field named twice is read from the first of its columns."""
    headings = [heading.strip() for heading in headings]
    while headings and not headings[-1]:
        headings.pop()
    fields: list[Field] = []
    unknown: list[str] = []
    repeated: list[str] = []
    for heading in headings:
        field = field_of(heading)
        if field is Field.UNKNOWN:
            unknown.append(heading or "(no heading)")
        elif field in fields:
            repeated.append(heading)
            field = Field.UNKNOWN
        fields.append(field)
    notes = []
    if unknown:
        notes.append(Note(NoteKind.COLUMN_UNKNOWN, f"Not read, as the heading is not known: {_names(unknown)}."))
    if repeated:
        notes.append(
            Note(NoteKind.COLUMN_REPEATED, f"Not read, as an earlier column means the same: {_names(repeated)}.")
        )
    if Field.REDIRECT_ADDRESS in fields:
        notes.append(
            Note(
                NoteKind.REDIRECT_IGNORED,
                "The redirection URLs of the file are not used: each guest is led to the app of the group.",
            )
        )
    shown = tuple(
        "" if field is Field.UNKNOWN else _short(heading) for field, heading in zip(fields, headings, strict=True)
    )
    return Columns(tuple(fields), shown, tuple(notes))


def looks_like_address(cell: str) -> bool:
    """Whether a cell can only be meant as a mail address; whether it is a good one is not asked here."""
    return _ADDRESS.fullmatch(cell.strip()) is not None


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN_LETTERS else f"{text[: _SHOWN_LETTERS - 1]}…"


def _names(names: list[str]) -> str:
    shown = ", ".join(f"'{_short(name)}'" for name in names[:_SHOWN_NAMES])
    more = len(names) - _SHOWN_NAMES
    return f"{shown} and {more} more" if more > 0 else shown
