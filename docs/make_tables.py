"""Draws docs/states.md and docs/reasons.md from the tables in the code: ``python docs/make_tables.py``."""

import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent))

from shared.domain.invitations import STATES, State  # noqa: E402
from shared.domain.reasons import REASONS  # noqa: E402

NOTE = "<!-- Drawn from the code by docs/make_tables.py; a test compares. -->"


def states() -> str:
    lines = [NOTE, "# States of an invitation", "", "```mermaid", "stateDiagram-v2", "    [*] --> accepted"]
    for state, facts in STATES.items():
        lines += [f"    {state.value} --> {to.value}" for to in State if to in facts.followed_by]
    lines += ["    member --> [*]", "    mailed --> [*]", "    failed --> [*]", "```", ""]
    lines += ["| state | meaning | may be followed by |", "|---|---|---|"]
    for state, facts in STATES.items():
        after = ", ".join(f"`{to.value}`" for to in State if to in facts.followed_by) or "(the end)"
        lines.append(f"| `{state.value}` | {facts.meaning} | {after} |")
    lines += [
        "",
        "`member` is the end unless a welcome message is due. A guest who was a member already gets no mail.",
        "Where the mail cannot be sent the guest stays `member`, with the reason `mail-not-sent`.",
        "",
    ]
    return "\n".join(lines)


def reasons() -> str:
    lines = [NOTE, "# Reasons", "", "Why a request was refused, or an invitation failed or waits."]
    lines += ["", "| reason | HTTP status | what it means | what you can do |", "|---|---|---|---|"]
    lines += [f"| `{r.value}` | {f.status} | {f.title} | {f.remedy} |" for r, f in REASONS.items()]
    return "\n".join([*lines, ""])


TABLES = {"states.md": states, "reasons.md": reasons}

if __name__ == "__main__":
    for name, draw in TABLES.items():
        (DOCS / name).write_text(draw())
