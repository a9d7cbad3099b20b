"""The mails of audits."""

from collections.abc import Sequence

from shared.core.texts import one_line
from shared.mail.ports import Mail
from shared.mail.text import catalogue, mail_of


class JinjaAuditText:
    """The mails of audits; names of guests are text like any other."""

    def findings(self, *, key: str, to: str, app: str, lines: Sequence[str], more: int, link: str | None) -> Mail:
        """Tells an owner what was found in their app, and how many findings there are besides those."""
        shown = [one_line(text) for text in lines]
        if more:
            shown.append(catalogue("en")["findings.more"].format(more=more))
        quoted = "\n".join(shown)
        return mail_of("findings", key, to, "en", quoted=quoted, link=link, app=one_line(app))
