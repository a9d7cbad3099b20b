"""``/users/{id}/messages``, ``sendMail`` and ``mailFolders`` over HTTP. The folders are those that every mailbox has,
by id or well-known name; Drafts and Sent Items have messages; none can be made."""

import re
from typing import Final

from ...call import NO_CONTENT, Answer, Call, Json, Needs
from ...errors import GraphError, mail_denied
from ...listing import list_plain
from ...mailbox import folder_id
from ...odata.filters import filter_paths
from ...routing import Handler, Route
from ...tables import TABLES
from .. import permissions as may
from ..answers import plain
from . import model

_NAMES: Final[dict[str, str]] = TABLES["mailFolders"]


def list_folders(call: Call) -> Answer:
    folders = list(_folders(call).values())
    return list_plain(
        call, folders, f"{_of_user(call)}/mailFolders", size=_DEFAULT_PAGE, max_top=_MAX_PAGE, always=("id",)
    )


def get_folder(call: Call) -> Answer:
    folder = need_folder(call)
    answer = plain(call, f"{_of_user(call)}/mailFolders", folder)
    return Answer(200, {**answer.body, "id": folder["id"]})


def need_folder(call: Call) -> Json:
    """By id or well-known name. Raises GraphError: 400 for what is no folder id (a well-formed one of nobody's is 404
    in reality)."""
    key, folders = call.keys["folder"], _folders(call)
    found = folders.get(key.lower()) or next((folder for folder in folders.values() if folder["id"] == key), None)
    if found is None:
        raise GraphError(400, "ErrorInvalidIdMalformed", "Id is malformed.")
    return found


def _folders(call: Call) -> dict[str, Json]:
    box = model.need_mailbox(call)
    drafts = sum(message.is_draft for message in box.mailbox.messages.values())
    counts = {"drafts": drafts, "sentitems": len(box.mailbox.messages) - drafts}
    return {
        key: {
            "id": folder_id(box.owner_id, key),
            "displayName": name,
            "parentFolderId": folder_id(box.owner_id, "msgfolderroot"),
            "childFolderCount": 0,
            "unreadItemCount": 0,
            "totalItemCount": counts.get(key, 0),
            "isHidden": False,
        }
        for key, name in _NAMES.items()
    }


_DEFAULT_PAGE, _MAX_PAGE = 10, 1000
_EXTENDED, _HEADERS = "singleValueExtendedProperties", "internetMessageHeaders"
_EXPAND = re.compile(rf"{_EXTENDED}\(\$filter=(?P<filter>.+)\)", re.DOTALL)
_WANTED_ID = re.compile(r"id eq '((?:[^']|'')*)'", re.IGNORECASE)


def create_draft(call: Call) -> Answer:
    box = model.need_mailbox(call)
    message = box.draft(call.json())
    box.mailbox.add(message)
    return _one(call, model.shown(box, message), status=201)


def list_messages(call: Call) -> Answer:
    box, query = model.need_mailbox(call), call.query
    refused = {_HEADERS} if call.world.settings.mail.marker_filter else {_HEADERS, _EXTENDED}
    if query.filter is not None and refused & set(filter_paths(query.filter)):
        raise GraphError(400, "ErrorInvalidUrlQueryFilter", "The filter is not supported.")
    wanted = _expanded_ids(call)
    messages = [message for message in reversed(box.mailbox.messages.values()) if not box.hides(message)]
    shown = [model.shown(box, message, _only_when_asked(call)) for message in messages]
    if "folder" in call.keys:
        folder = need_folder(call)["id"]
        shown = [message for message in shown if message["parentFolderId"] == folder]
    always = ("@odata.etag", "id", _EXTENDED)
    answer = list_plain(
        call, shown, f"{_of_user(call)}/messages", size=_DEFAULT_PAGE, max_top=_MAX_PAGE, always=always
    )
    for item in answer.body["value"]:
        _keep_extended(item, wanted)
    return Answer(200, answer.body, headers=_applied(call))


def get_message(call: Call) -> Answer:
    box = model.need_mailbox(call)
    message, wanted = box.need(), _expanded_ids(call)
    shown = model.shown(box, message, _only_when_asked(call))
    _keep_extended(shown, wanted)
    if call.query.select:
        kept = {"@odata.etag", "id", *call.query.select, *([_EXTENDED] if wanted else [])}
        shown = {name: value for name, value in shown.items() if name in kept}
    return _one(call, shown)


def update_message(call: Call) -> Answer:
    box = model.need_mailbox(call)
    message = box.need()
    message.properties |= model.checked(call.json())
    return Answer(200, _one(call, model.shown(box, message)).body)


def delete_message(call: Call) -> Answer:
    box = model.need_mailbox(call)
    box.mailbox.remove(box.need())
    return NO_CONTENT


def send_draft(call: Call) -> Answer:
    box = model.need_mailbox(call)
    model.send(box, box.need(), keep=True)
    return Answer(202)


def send_mail(call: Call) -> Answer:
    """Not idempotent: each call sends (graph contract "More operations")."""
    box, body = model.need_mailbox(call), call.json()
    message = {name.lower(): value for name, value in body.items()}.get("message")
    if not isinstance(message, dict):
        raise GraphError(400, "ErrorInvalidRequest", "The message is required.")
    keep = body.get("saveToSentItems", body.get("SaveToSentItems")) is not False
    model.send(box, box.draft(message), keep=keep)
    return Answer(202)


def _one(call: Call, shown: Json, *, status: int = 200) -> Answer:
    context = f"{call.base_url}/$metadata#{_of_user(call)}/messages/$entity"
    return Answer(status, {"@odata.context": context, **shown}, headers=_applied(call))


def _only_when_asked(call: Call) -> tuple[str, ...]:
    """internetMessageHeaders come with $select only."""
    return (_EXTENDED, _HEADERS) if _HEADERS in call.query.select else (_EXTENDED,)


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


def _applied(call: Call) -> dict[str, str]:
    return {"Preference-Applied": 'IdType="ImmutableId"'} if model.wants_immutable(call) else {}


def _of_user(call: Call) -> str:
    return f"users('{call.keys['user']}')"


def _route(method: str, path: str, handler: Handler, needs: Needs) -> Route:
    return Route(method, f"/users/{{user}}{path}", handler, needs, refusal=lambda _: mail_denied())


ROUTES: tuple[Route, ...] = (
    _route("GET", "/mailFolders", list_folders, may.MAIL_READ),
    _route("GET", "/mailFolders/{folder}", get_folder, may.MAIL_READ),
    _route("GET", "/messages", list_messages, may.MAIL_READ),
    _route("GET", "/mailFolders/{folder}/messages", list_messages, may.MAIL_READ),
    _route("POST", "/messages", create_draft, may.MAIL_WRITE),
    _route("GET", "/messages/{message}", get_message, may.MAIL_READ),
    _route("PATCH", "/messages/{message}", update_message, may.MAIL_WRITE),
    _route("DELETE", "/messages/{message}", delete_message, may.MAIL_WRITE),
    _route("POST", "/messages/{message}/send", send_draft, may.MAIL_SEND),
    _route("POST", "/sendMail", send_mail, may.MAIL_SEND),
)
