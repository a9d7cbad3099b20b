"""Rows of a file as guests: what can be told of a row without asking anybody."""

import re
from dataclasses import dataclass

from shared.core.addresses import ERASED_ADDRESS, parse_address
from shared.core.csv.rows import Invalid, Row, is_erased
from shared.core.errors import Refused
from shared.core.ids import GroupId, group_id
from shared.core.reasons import Reason
from shared.core.texts import guest_name, lines
from shared.imports.model.imports import GuestRow, Import

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")

type Bad = tuple[Reason, str]
"""Why a row cannot be used, and what exactly is wrong."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides about a row besides the row and its import."""

    message_limit: int
    sends_own_mail: bool


def read_row(row: Row | Invalid, record: Import, rules: Rules) -> GuestRow | Bad:
    """The guest of a row, or why there is none. The same row gives the same answer whenever it is read."""
    if isinstance(row, Invalid):
        return Reason.ROW_INVALID, f"{row.column}: {row.what}" if row.column else row.what
    try:
        address = ERASED_ADDRESS if is_erased(row.address) else parse_address(row.address)
        of_group = _group(row, record)
        # A cell may have lines, as spreadsheets write them; a name has one.
        name = guest_name(" ".join((row.display_name or "").split()), row.address)
    except Refused as e:
        is_name = e.reason is Reason.NAME_INVALID
        return (Reason.ROW_INVALID, f"name: {e.detail}") if is_name else (e.reason, e.detail or "")
    if row.message is not None and not rules.sends_own_mail:
        return Reason.NO_MAIL_SENDER, "The row has a message"
    if row.message is not None and len(row.message) > (most := rules.message_limit):
        return Reason.MESSAGE_TOO_LONG, f"The message has {len(row.message)} characters; {most} are allowed"
    if row.language is not None and (len(row.language) > 35 or not _LANGUAGE.fullmatch(row.language)):
        return Reason.ROW_INVALID, f"language: '{row.language[:40]}' is none such as de or en-GB"
    return GuestRow(
        line=row.line,
        address=address,
        group=of_group,
        display_name=name,
        message=lines(row.message) if row.message else None,
        language=row.language,
        expires=row.expires,
        next_cursor=row.next_cursor,
    )


def _group(row: Row, record: Import) -> GroupId:
    if row.group is None:
        return record.group
    try:
        named = group_id(row.group)
    except ValueError as e:
        raise Refused(Reason.ROW_INVALID, f"group: '{row.group[:40]}' is no object id of a group") from e
    if named != record.group and not record.for_admin:
        raise Refused(Reason.NOT_ADMIN, "Only an administrator may name other groups in a file")
    return named
