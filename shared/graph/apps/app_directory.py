"""What a setup needs of the directory: apps, groups to be made, owners, assignments, the tenant's settings."""

from shared.graph.apps.applications import Applications
from shared.graph.apps.assignments import Assignments
from shared.graph.apps.groups import Groups
from shared.graph.apps.people import Users
from shared.graph.apps.sign_on import SignOn
from shared.graph.apps.tenant import Tenant


class GraphAppDirectory(Tenant, Users, Groups, Applications, SignOn, Assignments):
    """All methods raise Refused (`permission-missing` naming the permission and the identity, `directory-refused`
    with the directory's words), DirectoryLagging where something new is not seen yet, and DirectoryBusy where nothing
    is known to have happened or where a repeat finds out."""
