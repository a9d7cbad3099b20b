"""``/users/{id}/mailFolders``: the folders every mailbox has, by id or well-known name ("mailFolder" in Microsoft's
v1.0 reference). Drafts and Sent Items have messages; none can be made.
"""

from typing import Final

from ...call import Answer, Call, Json
from ...errors import GraphError, mail_denied
from ...listing import list_plain
from ...mailbox import folder_id
from ...routing import Route
from ...tables import TABLES
from .. import permissions as may
from ..answers import plain
from .model import need_mailbox

_NAMES: Final[dict[str, str]] = TABLES["mailFolders"]
_DEFAULT_PAGE, _MAX_PAGE = 10, 1000


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
    owner, _, mailbox = need_mailbox(call)
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


def _refusal(_call: Call) -> GraphError:
    return mail_denied()


ROUTES: tuple[Route, ...] = (
    Route("GET", "/users/{user}/mailFolders", list_folders, may.MAIL_READ, refusal=_refusal),
    Route("GET", "/users/{user}/mailFolders/{folder}", get_folder, may.MAIL_READ, refusal=_refusal),
)
