"""The mails of join requests."""

from collections.abc import Sequence

from shared.core.texts import lines, one_line
from shared.mail.ports import Mail
from shared.mail.text import known_language, mail_of_lines, texts_in
from shared.requests.ports import Waiting


class JinjaRequestText:
    """The port's `RequestText`. Nothing that anybody writes becomes markup, a header or a control character."""

    def proof(self, *, key: str, to: str, app: str, link: str, hours: int, language: str) -> Mail:
        texts, app = texts_in(language), one_line(app)
        values = {
            "why": texts["proof.why"].format(app=app),
            "act": texts["proof.act"].format(hours=hours),
            "button": texts["proof.button"],
            "link": link,
            "quoted": "",
            "else_": texts["proof.else"],
        }
        return mail_of_lines(key, to, None, texts["proof.subject"].format(app=app), known_language(language), values)

    def declined(self, *, key: str, to: str, app: str, note: str | None, language: str) -> Mail:
        texts, app = texts_in(language), one_line(app)
        values = {
            "why": texts["declined.why"].format(app=app),
            "before_quoted": texts["declined.note"],
            "quoted": lines(note or ""),
            "link": None,
            "else_": texts["declined.else"],
        }
        return mail_of_lines(
            key, to, None, texts["declined.subject"].format(app=app), known_language(language), values
        )

    def waiting(self, *, key: str, to: str, waiting: Sequence[Waiting], link: str, language: str) -> Mail:
        texts, app, count = texts_in(language), one_line(waiting[0].app), sum(each.count for each in waiting)
        many = f"{count}+" if any(each.more for each in waiting) else str(count)
        kind = "waiting" if count == 1 else "waiting.many"
        listed = "\n".join(f"{one_line(w.app)}: {w.count}{'+' if w.more else ''}" for w in waiting)
        values = {
            "why": texts[f"{kind}.why"].format(app=app),
            "before_quoted": texts["waiting.many.list"],
            "quoted": listed if count > 1 else "",
            "act": texts[f"{kind}.act"],
            "button": texts["waiting.button"],
            "link": link,
            "else_": texts["waiting.else"],
        }
        return mail_of_lines(
            key, to, None, texts[f"{kind}.subject"].format(app=app, many=many), known_language(language), values
        )
