"""Which addresses Guestlist's token is sent to: paths below the version root, spelled in one way only.

Servers and libraries resolve dot segments, empty segments and percent-encoded separators each in their own way, and
so would come to another object than the one that a call was for. No path of ours needs them: they are refused.
"""

import re
from urllib.parse import quote, unquote, urlsplit

from shared.core.errors import Refused
from shared.core.reasons import Reason

_ENCODED = r"%(?!2[EF35]|3F|5C|[01]|7F)[0-9A-F]{2}"
"""Without ``. / # % ? \\`` and controls, which stand for something else to whoever decodes."""
_SEGMENT = re.compile(rf"(?!\.{{1,2}}$)(?:[a-z0-9._~!$&'()*+,;=:@-]|{_ENCODED})+", re.IGNORECASE | re.ASCII)
"""What RFC 3986 lets stand in a segment, but dot segments."""
_UNFIT_IN_QUERY = re.compile(r"[\x00-\x20\x7f#\\]")
_KEYED = re.compile(r"(?P<name>[^()]+)\((?:(?P<alternate>[^=]+)=)?'?(?P<key>[^']*)'?\)")


def checked(path: str) -> str:
    """The path, if it may be sent. Raises Refused `directory-refused`; it is no path of Microsoft Graph."""
    plain, _, query = path.partition("?")
    begin, *segments = plain.split("/")
    if begin or not segments or not all(_SEGMENT.fullmatch(s) for s in segments) or _UNFIT_IN_QUERY.search(query):
        raise Refused(Reason.DIRECTORY_REFUSED, f"Guestlist asks for no such path of the directory: {plain[:200]!r}")
    return path


def followed(link: str, base_url: str, asked: str) -> str:
    """The path of a link that the directory gave (a next link, a delta link), if it goes on with what was asked for:
    the same host and version, and the same collection.

    The directory may spell a path in another way than it was asked: ids as keys, other cases, the namespace before an
    operation (``/groups('1')/members``, ``/users/microsoft.graph.delta()``). Raises Refused: it leads elsewhere."""
    try:
        parts, ours = urlsplit(link), urlsplit(base_url)
        same = (parts.scheme, parts.netloc.lower()) == (ours.scheme, ours.netloc.lower()) and not parts.fragment
    except ValueError:
        same = False
    if not same or not parts.path.startswith(f"{ours.path}/"):
        raise _elsewhere(link)
    query = quote(parts.query, safe="!$&'()*+,;=:@/?%-._~")
    path = checked(parts.path.removeprefix(ours.path) + (f"?{query}" if query else ""))
    theirs, own = _shape(path), _shape(asked)
    if len(theirs) != len(own) or not all(mine in (their, None) for their, mine in zip(theirs, own, strict=True)):
        raise _elsewhere(link)
    return path


def _shape(path: str) -> list[str | None]:
    """The segments in one spelling; None stands for a key by which an object has another id as well."""
    found: list[str | None] = []
    for written in unquote(path.partition("?")[0]).lower().split("/")[1:]:
        segment = written.removesuffix("()")
        keyed = _KEYED.fullmatch(segment)
        name = keyed["name"] if keyed else segment
        found.append(name.removeprefix("microsoft.graph."))
        if keyed:
            found.append(None if keyed["alternate"] else keyed["key"])
    return found


def _elsewhere(link: str) -> Refused:
    place = link.partition("?")[0][:200]
    return Refused(Reason.DIRECTORY_REFUSED, f"The directory gave a link that leads elsewhere: {place!r}")
