"""The trail: what was changed in the directory outside of inviting, by whom or by which rule. Only ever added to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from shared.core.applications import AppId
from shared.core.ids import GroupId
from shared.core.personal import Personal, Redaction, Says


@dataclass(frozen=True, slots=True)
class ChangeLogEntry:
    """`key` is the same however often the change is written down. `who` is a person's or an app's name with its
    object id, or the rule of an audit; `what` the remedy or act; `before` and `after` are in a person's words.
    `request_id` is Graph's, where Graph gave one."""

    key: str
    at: datetime
    who: Annotated[str, Personal("who did it", Redaction.SIGNED, Says.WHO)]
    what: str
    subject: Annotated[str, Personal("whom it was done to", Redaction.PSEUDONYM, Says.USER)]
    name: Annotated[str, Personal("whom it was done to", Redaction.ERASED)]
    group: GroupId | None
    app: AppId | None
    before: str
    after: str
    audit: str | None = None
    rule: str | None = None
    request_id: Annotated[str | None, Personal("whom it was done to", Redaction.GONE)] = None
