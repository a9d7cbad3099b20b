"""The mails of audits."""

from collections.abc import Sequence

from shared.core.texts import one_line
from shared.mail.ports import Mail
from shared.mail.text import mail_of_lines, texts_in


class JinjaAuditText:
    """The mails of audits; names of guests are text like any other."""

    def findings(
        self, *, key: str, to: str, to_name: str | None, app: str, lines: Sequence[str], more: int, link: str | None
    ) -> Mail:
        """Tells an owner what was found in their app, and how many findings there are besides those."""
        texts, app = texts_in("en"), one_line(app)
        shown = [one_line(text) for text in lines]
        if more:
            shown.append(texts["findings.more"].format(more=more))
        values = {
            "why": texts["findings.why"].format(app=app),
            "before_quoted": texts["findings.note"],
            "quoted": "\n".join(shown),
            "act": texts["findings.act"],
            "button": texts["findings.button"],
            "link": link,
            "else_": texts["findings.else"],
        }
        return mail_of_lines(key, to, to_name, texts["findings.subject"].format(app=app), "en", values)
