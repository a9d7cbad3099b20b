"""What a setup needs of the directory: apps, groups to be made, owners, assignments, the tenant's settings."""

from shared.adapters.directory.setup.applications import Applications
from shared.adapters.directory.setup.assignments import Assignments
from shared.adapters.directory.setup.groups import Groups
from shared.adapters.directory.setup.people import Users
from shared.adapters.directory.setup.sign_on import SignOn
from shared.adapters.directory.setup.tenant import Tenant


class GraphAppDirectory(Tenant, Users, Groups, Applications, SignOn, Assignments):
    """All methods raise Refused (`permission-missing` naming the permission and the identity, `directory-refused`
    with the directory's words), DirectoryLagging where something new is not seen yet, and DirectoryBusy where nothing
    is known to have happened or where a repeat finds out."""
