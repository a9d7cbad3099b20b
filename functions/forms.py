"""Forms: what a browser, Power Automate or another site posts without script, read as the JSON it stands for."""

from urllib.parse import parse_qsl

import azure.functions as func
import msgspec

from functions.callers import TOKEN_FIELD
from shared.core.errors import Refused
from shared.core.reasons import Reason

_URLENCODED, _MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
_YES = {"on": True, "true": True, "false": False, "off": False}
_SWITCHES = {"sendAgain"}
"""Fields that are no text."""


def form_of(req: func.HttpRequest) -> dict[str, str] | None:
    """The fields of a form, those left empty without; None where the body is none.

    Raises:
        Refused: `body-invalid`.
    """
    kind = (req.headers.get("content-type") or "").partition(";")[0].strip().lower()
    if kind == _URLENCODED:
        try:
            pairs = parse_qsl(req.get_body().decode(), max_num_fields=50)
        except (UnicodeDecodeError, ValueError) as e:
            raise Refused(Reason.BODY_INVALID, "The form cannot be read") from e
        return {name: value for name, value in pairs if value.strip()}
    if kind == _MULTIPART:
        return {name: value for name, value in req.form.items() if value.strip()}
    return None


def body_of(req: func.HttpRequest, form: dict[str, str] | None) -> bytes:
    """The body as JSON, whether it came as JSON or as a form."""
    if form is None:
        return bytes(req.get_body())
    fields = {n: _YES.get(v.lower(), v) if n in _SWITCHES else v for n, v in form.items() if n != TOKEN_FIELD}
    return msgspec.json.encode(fields)


def wants_page(req: func.HttpRequest) -> bool:
    """Whether a person is to read the answer: a browser's form names HTML, a program's request does not."""
    accepted = (req.headers.get("accept") or "").lower()
    return "text/html" in accepted and "application/json" not in accepted
