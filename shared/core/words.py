"""What rows call otherwise than people do: a name that is stored stays."""

WORDS = {
    # Remedies of audits
    "send-again": "resend",
    "tell-owner": "notify-owner",
    # States of an audit, and of a remedy
    "judging": "evaluating",
    "recalling": "loading-history",
    "spared": "skipped",
    # States of a join request
    "unproven": "unverified",
}
"""By the word of the rows."""


def word_of(stored: str) -> str:
    """What the API, files and documents call it."""
    return WORDS.get(stored, stored)
