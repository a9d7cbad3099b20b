"""The text of mails about join requests and of audits, from templates, in the languages that the other mails have."""

import functools
from collections.abc import Sequence
from typing import Any

import jinja2
import msgspec

from shared.adapters.mail.text import SUBJECT_LIMIT, SUBJECTS, environment
from shared.domain.texts import lines, one_line
from shared.ports.mailer import Mail, Waiting


class JinjaRequestText:
    """The port's `RequestText`. Nothing that anybody writes becomes markup, a header or a control character."""

    def proof(self, *, key: str, to: str, app: str, link: str, hours: int, language: str) -> Mail:
        texts, app = _texts(language), one_line(app)
        values = {
            "why": texts["proof.why"].format(app=app),
            "act": texts["proof.act"].format(hours=hours),
            "button": texts["proof.button"],
            "link": link,
            "quoted": "",
            "else_": texts["proof.else"],
        }
        return _mail(key, to, None, texts["proof.subject"].format(app=app), _known(language), values)

    def declined(self, *, key: str, to: str, app: str, note: str | None, language: str) -> Mail:
        texts, app = _texts(language), one_line(app)
        values = {
            "why": texts["declined.why"].format(app=app),
            "before_quoted": texts["declined.note"],
            "quoted": lines(note or ""),
            "link": None,
            "else_": texts["declined.else"],
        }
        return _mail(key, to, None, texts["declined.subject"].format(app=app), _known(language), values)

    def waiting(self, *, key: str, to: str, waiting: Sequence[Waiting], link: str, language: str) -> Mail:
        texts, app, count = _texts(language), one_line(waiting[0].app), sum(each.count for each in waiting)
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
        return _mail(key, to, None, texts[f"{kind}.subject"].format(app=app, many=many), _known(language), values)


class JinjaAuditText:
    """The mails of audits; names of guests are text like any other."""

    def findings(
        self, *, key: str, to: str, to_name: str | None, app: str, lines: Sequence[str], more: int, link: str | None
    ) -> Mail:
        """Tells an owner what was found in their app, and how many findings there are besides those."""
        texts, app = _texts("en"), one_line(app)
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
        return _mail(key, to, to_name, texts["findings.subject"].format(app=app), "en", values)


def _mail(key: str, to: str, to_name: str | None, subject: str, language: str, values: dict[str, Any]) -> Mail:
    values = values | {"subject": subject, "language": language}
    text, html = (environment().get_template(f"requests/mail.{kind}") for kind in ("txt", "html"))
    return Mail(
        key=key,
        to=to,
        to_name=one_line(to_name or "") or None,
        subject=subject[:SUBJECT_LIMIT],
        text=text.render(values),
        html=html.render(values),
    )


def _known(language: str) -> str:
    found = language.partition("-")[0].lower()
    return found if found in SUBJECTS else "en"


def _texts(language: str) -> dict[str, str]:
    return _catalogue(_known(language))


@functools.cache
def _catalogue(language: str) -> dict[str, str]:
    loader = environment().loader
    if not isinstance(loader, jinja2.PackageLoader):
        raise TypeError("mails are read from the package")
    source = loader.get_source(environment(), f"requests/{language}.json")[0]
    return msgspec.json.decode(source, type=dict[str, str])
