"""What speaks to Microsoft Graph about one kind of things."""

from shared.graph.session import GraphSession


class OnGraph:
    """Speaks through a session that others use as well; closing it is for the one who made it."""

    def __init__(self, session: GraphSession) -> None:
        self._session = session
