"""``/users/{id}/messages``, ``sendMail`` and ``mailFolders`` over HTTP. The folders are those that every mailbox has,
by id or well-known name; Drafts and Sent Items have messages; none can be made."""

import re
from typing import Final

from ...call import NO_CONTENT, Answer, Call, Json
from ...errors import GraphError, mail_denied
from ...listing import list_plain
from ...mailbox import Mailbox, Message, folder_id
from ...odata.filters import filter_paths
from ...routing import Handler, Needs, Route
from ...tables import TABLES
from .. import permissions as may
from ..answers import plain
from . import model

_NAMES: Final[dict[str, str]] = TABLES["mailFolders"]


def list_folders(call: Call) -> Answer:
    folders = list(_folders(call).values())
    return list_plain(call, folders, _set(call), size=_DEFAULT_PAGE, max_top=_MAX_PAGE, always=("id",))


def get_folder(call: Call) -> Answer:
    folder = need_folder(call)
    answer = plain(call, _set(call), folder)
    return Answer(200, {**answer.body, "id": folder["id"]})


def need_folder(call: Call) -> Json:
    """By id or well-known name.

    Raises:
        GraphError: 400 for what is no folder id (a well-formed one of nobody's is 404 in reality).
    """
    key, folders = call.keys["folder"], _folders(call)
    found = folders.get(key.lower()) or next((folder for folder in folders.values() if folder["id"] == key), None)
    if found is None:
        raise GraphError(400, "ErrorInvalidIdMalformed", "Id is malformed.")
    return found


def _folders(call: Call) -> dict[str, Json]:
    owner, _, mailbox = model.need_mailbox(call)
    drafts = sum(message.is_draft for message in mailbox.messages.values())
    counts = {"drafts": drafts, "sentitems": len(mailbox.messages) - drafts}
    return {
        key: {
            "id": folder_id(owner, key),
            "displayName": name,
            "parentFolderId": folder_id(owner, "msgfolderroot"),
            "childFolderCount": 0,
            "unreadItemCount": 0,
            "totalItemCount": counts.get(key, 0),
            "isHidden": False,
        }
        for key, name in _NAMES.items()
    }


def _set(call: Call) -> str:
    return f"users('{call.keys['user']}')/mailFolders"


_DEFAULT_PAGE, _MAX_PAGE = 10, 1000
_EXTENDED = "singleValueExtendedProperties"
_EXPAND = re.compile(rf"{_EXTENDED}\(\$filter=(?P<filter>.+)\)", re.DOTALL)
_WANTED_ID = re.compile(r"id eq '((?:[^']|'')*)'", re.IGNORECASE)


def create_draft(call: Call) -> Answer:
    owner, address, mailbox = model.need_mailbox(call)
    message = model.draft(owner, address, model.checked(call.json()))
    mailbox.add(message)
    body = {"@odata.context": _context(call, "/$entity"), **_shown(call, message, address)}
    return Answer(201, body, headers=_applied(call))


def list_messages(call: Call) -> Answer:
    _, address, mailbox = model.need_mailbox(call)
    query = call.query
    if query.filter is not None:
        names = set(filter_paths(query.filter))
        refused = {"internetMessageHeaders"}
        if not call.world.settings.mail.marker_filter:
            refused.add(_EXTENDED)
        if names & refused:
            raise GraphError(400, "ErrorInvalidUrlQueryFilter", "The filter is not supported.")
    wanted = _expanded_ids(call)
    messages = [m for m in reversed(mailbox.messages.values()) if not _hidden(call, m)]
    shown = [_shown(call, message, address, extra=(_EXTENDED, *_headers(call))) for message in messages]
    if "folder" in call.keys:
        folder = need_folder(call)["id"]
        shown = [message for message in shown if message["parentFolderId"] == folder]
    answer = list_plain(
        call,
        shown,
        f"users('{call.keys['user']}')/messages",
        size=_DEFAULT_PAGE,
        max_top=_MAX_PAGE,
        always=("@odata.etag", "id", _EXTENDED),
    )
    for item in answer.body["value"]:
        _keep_extended(item, wanted)
    return Answer(200, answer.body, headers=_applied(call))


def get_message(call: Call) -> Answer:
    _, address, mailbox = model.need_mailbox(call)
    message, wanted = _need(call, mailbox), _expanded_ids(call)
    shown = _shown(call, message, address, extra=(_EXTENDED, *_headers(call)))
    _keep_extended(shown, wanted)
    if call.query.select:
        kept = {"@odata.etag", "id", *call.query.select, *([_EXTENDED] if wanted else [])}
        shown = {name: value for name, value in shown.items() if name in kept}
    return Answer(200, {"@odata.context": _context(call, "/$entity"), **shown}, headers=_applied(call))


def update_message(call: Call) -> Answer:
    _, address, mailbox = model.need_mailbox(call)
    message = _need(call, mailbox)
    message.properties |= model.checked(call.json())
    return Answer(200, {"@odata.context": _context(call, "/$entity"), **_shown(call, message, address)})


def delete_message(call: Call) -> Answer:
    _, _, mailbox = model.need_mailbox(call)
    mailbox.remove(_need(call, mailbox))
    return NO_CONTENT


def send_draft(call: Call) -> Answer:
    _, address, mailbox = model.need_mailbox(call)
    model.send(call, mailbox, _need(call, mailbox), address, keep=True)
    return Answer(202)


def send_mail(call: Call) -> Answer:
    """Not idempotent: each call sends (graph contract "More operations")."""
    owner, address, mailbox = model.need_mailbox(call)
    body = call.json()
    message = {name.lower(): value for name, value in body.items()}.get("message")
    if not isinstance(message, dict):
        raise GraphError(400, "ErrorInvalidRequest", "The message is required.")
    keep = body.get("saveToSentItems", body.get("SaveToSentItems")) is not False
    made = model.draft(owner, address, model.checked(message))
    model.send(call, mailbox, made, address, keep=keep)
    return Answer(202)


def _need(call: Call, mailbox: Mailbox) -> Message:
    """The message of the path, by either kind of id. Raises GraphError: 404, also for a stale id."""
    message = mailbox.ids.get(call.keys["message"])
    if message is None or _hidden(call, message):
        raise GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")
    return message


def _hidden(call: Call, message: Message) -> bool:
    if message.is_draft or call.world.new.is_empty:
        return False
    return call.world.new.hides(message.key, "sent_copy", call.world.settings.mail.sent_copy_after)


def _shown(call: Call, message: Message, address: str, extra: tuple[str, ...] = ()) -> Json:
    return model.shown(message, address, immutable=_is_immutable(call), extra=extra)


def _headers(call: Call) -> tuple[str, ...]:
    """internetMessageHeaders come with $select only."""
    name = "internetMessageHeaders"
    return (name,) if name in call.query.select else ()


def _expanded_ids(call: Call) -> list[str]:
    """The extended properties an ``$expand`` asks for, by id."""
    expand = call.query.expand
    if expand is None:
        return []
    found = _EXPAND.fullmatch(expand.strip())
    if found is None:
        raise GraphError(400, "ErrorInvalidUrlQuery", "The expand is not supported.")
    return [id_.replace("''", "'").casefold() for id_ in _WANTED_ID.findall(found["filter"])]


def _keep_extended(shown: Json, wanted: list[str]) -> None:
    kept = [p for p in shown.pop(_EXTENDED, None) or [] if str(p["id"]).casefold() in wanted]
    if kept:
        shown[_EXTENDED] = kept


def _is_immutable(call: Call) -> bool:
    return 'idtype="immutableid"' in call.headers.get("prefer", "").replace(" ", "").lower()


def _applied(call: Call) -> dict[str, str]:
    return {"Preference-Applied": 'IdType="ImmutableId"'} if _is_immutable(call) else {}


def _context(call: Call, rest: str) -> str:
    return f"{call.base_url}/$metadata#users('{call.keys['user']}')/messages{rest}"


def _refusal(_call: Call) -> GraphError:
    return mail_denied()


def _route(method: str, template: str, handler: Handler, needs: Needs) -> Route:
    return Route(method, template, handler, needs, refusal=_refusal)


ROUTES: tuple[Route, ...] = (
    _route("GET", "/users/{user}/mailFolders", list_folders, may.MAIL_READ),
    _route("GET", "/users/{user}/mailFolders/{folder}", get_folder, may.MAIL_READ),
    _route("GET", "/users/{user}/messages", list_messages, may.MAIL_READ),
    _route("GET", "/users/{user}/mailFolders/{folder}/messages", list_messages, may.MAIL_READ),
    _route("POST", "/users/{user}/messages", create_draft, may.MAIL_WRITE),
    _route("GET", "/users/{user}/messages/{message}", get_message, may.MAIL_READ),
    _route("PATCH", "/users/{user}/messages/{message}", update_message, may.MAIL_WRITE),
    _route("DELETE", "/users/{user}/messages/{message}", delete_message, may.MAIL_WRITE),
    _route("POST", "/users/{user}/messages/{message}/send", send_draft, may.MAIL_SEND),
    _route("POST", "/users/{user}/sendMail", send_mail, may.MAIL_SEND),
    _route("POST", "/users/{user}/graph.sendMail", send_mail, may.MAIL_SEND),
)
