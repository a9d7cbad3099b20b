"""Draws documents from the tables in the code: ``python docs/make_tables.py``."""

import json
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent))

from shared.core.audit_rules import RULES, Remedy  # noqa: E402
from shared.core.features import CHOICE, FEATURES, PERMISSIONS, Feature, needed_by  # noqa: E402
from shared.core.reasons import REASONS  # noqa: E402
from shared.core.words import word_of  # noqa: E402
from shared.invitations.model.invitations import STATES, State  # noqa: E402
from shared.membership.model.access import RULES as ACCESS  # noqa: E402
from shared.membership.model.access import Object, Role  # noqa: E402
from shared.messages.commands import SetupStep  # noqa: E402
from shared.messages.registry import MESSAGES  # noqa: E402
from shared.people.rows.cases import CONTAINER as EXPORTS  # noqa: E402
from shared.people.rows.tables import TABLES as TABLES_OF_ROWS  # noqa: E402
from shared.setup.model import ORDER  # noqa: E402
from shared.storage.files import CONTAINER as IMPORT_FILES  # noqa: E402

NOTE = "<!-- Drawn from the code by docs/make_tables.py; a test compares. -->"


def states() -> str:
    lines = [NOTE, "# States of an invitation", "", "```mermaid", "stateDiagram-v2", "    [*] --> accepted"]
    for state, facts in STATES.items():
        lines += [f"    {state.value} --> {to.value}" for to in State if to in facts.followed_by]
    lines += [f"    {end} --> [*]" for end in ("member", "mailed", "failed", "undone")] + ["```", ""]
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


def setup_steps() -> str:
    lines = [NOTE, "# Steps of a setup", "", "Each is a function of its own with a queue of its own; an arrow points"]
    lines += [
        "to what has to wait. Steps without an arrow between them run side by side.",
        "",
        "```mermaid",
        "flowchart TD",
    ]
    for step, facts in ORDER.items():
        lines.append(f'    {step.value}["{facts.title}"]')
        lines += [f"    {before.value} --> {step.value}" for before in SetupStep if before in facts.after]
    lines += ["```", "", "| step | what | of Microsoft's page | waits for |", "|---|---|---|---|"]
    for step, facts in ORDER.items():
        after = ", ".join(f"`{s.value}`" for s in SetupStep if s in facts.after) or "nothing"
        lines.append(f"| `{step.value}` | {facts.title} | {facts.article} | {after} |")
    return "\n".join([*lines, ""])


def permissions() -> str:
    lines = [NOTE, "# Features, and what each may do", "", *_PERMISSIONS_HEAD, ""]
    lines += ["| permission | " + " | ".join(f.value for f in Feature) + " |", "|---|" + "---|" * len(Feature)]
    for p in PERMISSIONS:
        marks = " | ".join("yes" if f in p.purposes else "" for f in Feature)
        lines.append(f"| `{p.name}` | {marks} |")
    for feature, facts in FEATURES.items():
        lines += ["", f"## {facts.title} (`{feature.value}`)", "", f"It lets Guestlist {facts.does}.", ""]
        if facts.needs:
            lines += [f"It needs {' and '.join(f'`{n.value}`' for n in facts.needs)} as well.", ""]
        lines += ["| permission | needed to | what it would allow at most |", "|---|---|---|"]
        lines += [f"| `{p.name}` | {p.purposes[feature]} | {p.allows} |" for p in needed_by(feature)]
        off = "Leave it out of `GUESTLIST_FEATURES` to switch it off. " if feature in CHOICE else ""
        lines += ["", f"{off}{facts.without}"]
    return "\n".join([*lines, "", *_PERMISSIONS_END, ""])


_PERMISSIONS_HEAD = (
    "Guestlist acts in Microsoft Graph with an identity of its own, under the application permissions that an",
    "administrator grants it. Each feature needs its own; grant those of the features that you use, and switch the",
    "others off with [`GUESTLIST_FEATURES`](settings.md). A permission may allow more than Guestlist ever does with",
    "it: the tables say how much. They are the least that Microsoft documents for the calls that are made.",
    "",
    "```sh",
    "python3 dev.py operate grant --identity CLIENT_ID --setup-identity SETUP_CLIENT_ID --features setup,audits",
    "python3 dev.py operate grant --identity CLIENT_ID --features audits --revoke-others",
    "```",
    "",
    "Inviting is always among them; `--revoke-others` takes away what they do not need, `--dry-run` shows what it",
    "would do. It takes a Privileged Role Administrator. What is granted counts from the identity's next token on:",
    "Azure keeps the old one for hours, a day at most.",
    "",
    "`GET /api/health/ready` says which feature lacks what, to anybody; `guestlist doctor` says it with the command",
    "that fixes it.",
)
_PERMISSIONS_END = (
    "## Why `Directory.Read.All`",
    "",
    "Inviting and audits do without it. What else a guest has decides whether an account may be blocked or deleted:",
    "for reading that (`GET /users/{id}/memberOf` and `/users/{id}/appRoleAssignments`) Microsoft documents nothing",
    "less to applications. It reads the directory and changes nothing.",
    "",
    "Which app a group opens is read from the side of the apps that it was set up with",
    "(`GET /servicePrincipals/{id}/appRoleAssignedTo`): `Application.Read.All` is enough for that. The apps of a",
    "group that nobody set up (`GET /groups/{id}/appRoleAssignments`) are shown where `Directory.Read.All` is held;",
    "elsewhere the guest's link leads to My Apps.",
    "",
    "`GroupMember.Read.All` stands beside the one that writes: for a group's own properties, and for whether",
    "somebody is in it, Microsoft documents the reader alone.",
)


def permissions_of_features() -> str:
    """For the template and the grant command: names alone, by feature."""
    return json.dumps({f.value: [p.name for p in needed_by(f)] for f in Feature}, indent=2) + "\n"


def audit_rules() -> str:
    lines = [
        "| rule | severity | what it finds | what a person does | what policy may ask for |",
        "|---|---|---|---|---|",
    ]
    for rule, facts in RULES.items():
        may = ", ".join(f"`{word_of(r)}`" for r in Remedy if r in facts.remedies) or "the report"
        what = f"**{facts.title}.** {facts.explanation}"
        lines.append(f"| `{rule.value}` | {facts.severity.value} | {what} | {facts.advice} | {may} |")
    return "\n".join([NOTE, "# What audits find", "", *lines, ""])


def access() -> str:
    lines = [NOTE, "# Who may do what", "", *_ACCESS_HEAD]
    for of, title in ((Object.GROUP, "Of a group"), (Object.TENANT, "Of the whole tenant")):
        rules = {a: r for a, r in ACCESS.items() if r.object is of}
        roles = [role for role in Role if any(role in rule.roles for rule in rules.values())]
        lines += ["", f"## {title}", "", "| | action | " + " | ".join(r.value for r in roles) + " |"]
        lines += ["|---|---|" + "---|" * len(roles)]
        for action, rule in rules.items():
            marks = " | ".join("yes" if role in rule.roles else "" for role in roles)
            lines.append(f"| {rule.does} | `{action.value}` | {marks} |")
    return "\n".join([*lines, ""])


_ACCESS_HEAD = (
    "One table decides. What is not in it nobody may do. No role includes another. `GET /api/me` has the actions of",
    "the tenant that you may do (`may`), each group of `GET /api/groups` those of the group.",
    "[Who may call at all](how-to/operator/callers.md) is asked before.",
    "",
    "| role | who that is | where it is kept |",
    "|---|---|---|",
    "| owner | owns the group | the directory; asked when it counts, for what only reads up to 30 seconds before |",
    "| approver | is named to decide about requests to join, is enabled, and no guest | the app's policy, by its "
    "setup; the account is asked of the directory each time |",
    "| inviter | an app with the app role `Inviter` that the app's record names | the directory, and the record "
    "([apps that invite](api.md#apps-that-invite)) |",
    "| admin, setup-admin, operator, privacy-officer, auditor | holds the app role `Admin`, `SetupAdmin`, "
    "`Operator`, `PrivacyOfficer`, `Auditor` of Guestlist's API | the directory: *Enterprise applications* > "
    "*Guestlist API* > *Users and groups* |",
    "",
    "An app role that was taken away opens these routes until the access token ends: an hour or so, with a managed",
    "identity up to a day. Whoever owns the group no more, or is named no more as approver or inviter, is refused at",
    "once; what only reads may still be open to a former owner for 30 seconds.",
)


def storage_names() -> str:
    """What the template makes in the storage account; it adds each queue's poison queue itself."""
    names = {
        "queues": sorted(MESSAGES.queues),
        "tables": sorted(TABLES_OF_ROWS),
        "containers": sorted([EXPORTS, IMPORT_FILES]),
    }
    return json.dumps(names, indent=2) + "\n"


TABLES = {
    "access.md": access,
    "audit-rules.md": audit_rules,
    "states.md": states,
    "reasons.md": reasons,
    "setup-steps.md": setup_steps,
    "permissions.md": permissions,
}


def permissions_in_words() -> str:
    """For the grant command, which says what it grants for what."""
    words = {
        p.name: {"purposes": {f.value: p.purposes[f] for f in p.purposes}, "allows": p.allows} for p in PERMISSIONS
    }
    return json.dumps(words, indent=2) + "\n"


DATA = {
    "infra/permissions.json": permissions_of_features,
    "infra/permissions-in-words.json": permissions_in_words,
    "infra/storage-names.json": storage_names,
}
"""Drawn for other programs; by paths from the root."""

if __name__ == "__main__":
    for name, draw in TABLES.items():
        (DOCS / name).write_text(draw())
    for name, draw in DATA.items():
        (DOCS.parent / name).write_text(draw())
