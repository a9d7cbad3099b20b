"""The mails of join requests."""

from collections.abc import Sequence

from shared.core.texts import lines, one_line
from shared.mail.ports import Mail
from shared.mail.text import mail_of
from shared.requests.ports import Waiting


class JinjaRequestText:
    """The port's `RequestText`. Nothing that anybody writes becomes markup, a header or a control character."""

    def proof(self, *, key: str, to: str, app: str, link: str, hours: int, language: str) -> Mail:
        return mail_of("proof", key, to, language, link=link, app=one_line(app), hours=hours)

    def declined(self, *, key: str, to: str, app: str, note: str | None, language: str) -> Mail:
        return mail_of("declined", key, to, language, quoted=lines(note or ""), app=one_line(app))

    def waiting(self, *, key: str, to: str, waiting: Sequence[Waiting], link: str, language: str) -> Mail:
        app, count = one_line(waiting[0].app), sum(each.count for each in waiting)
        if count == 1:
            return mail_of("waiting", key, to, language, link=link, app=app)
        many = f"{count}+" if any(each.more for each in waiting) else str(count)
        listed = "\n".join(f"{one_line(w.app)}: {w.count}{'+' if w.more else ''}" for w in waiting)
        return mail_of("waiting.many", key, to, language, link=link, quoted=listed, app=app, many=many)
