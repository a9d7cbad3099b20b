"""What can be wrong with an app or its settings before it serves.

- `StartError`: the start stops here and the message is for the developer.
"""

from __future__ import annotations


class StartError(Exception):
    """The app cannot be served as it is; the message says what to mend."""
