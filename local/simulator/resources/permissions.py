"""Which application permissions let an operation through (graph contract "Permissions"): the least one and the higher
ones."""

from itertools import product

from ..routing import any_of

# Lists: each tuple of this module is what an operation needs, and `graph_api` reads them all.
_USERS, _DIRECTORY = ["User.Read.All", "User.ReadWrite.All"], ["Directory.Read.All", "Directory.ReadWrite.All"]
USER_READ = any_of(*_USERS, *_DIRECTORY)
USER_WRITE = any_of("User.ReadWrite.All", "Directory.ReadWrite.All")
USER_ENABLE = any_of(("User.EnableDisableAccount.All", "User.Read.All"))
USER_DELETE = any_of("User.ReadWrite.All", "User.DeleteRestore.All")
GROUP_READ = any_of("Group.Read.All", "Group.ReadWrite.All", *_DIRECTORY)
# Reading a group, listing groups and their delta: the documentation names the reader of members, not its writer.
GROUP_BASIC = (*any_of("GroupMember.Read.All"), *GROUP_READ)
MEMBER_READ = (*any_of("GroupMember.Read.All", "GroupMember.ReadWrite.All"), *GROUP_READ)
GROUP_WRITE = any_of("Group.ReadWrite.All", "Directory.ReadWrite.All")
GROUP_CREATE = (*any_of("Group.Create"), *GROUP_WRITE)
MEMBER_WRITE = (*any_of("GroupMember.ReadWrite.All"), *GROUP_WRITE)
# The writer of members is not among them ("checkMemberGroups", and Microsoft's published permissions file).
MEMBER_CHECK = any_of(
    *product(_USERS, ["GroupMember.Read.All", "Group.Read.All", "Group.ReadWrite.All"]), *_DIRECTORY
)
# "List a user's direct memberships": nothing less for an app.
USER_MEMBER_OF = any_of(*_DIRECTORY)
APP_READ = any_of("Application.Read.All", "Application.ReadWrite.All", "Application.ReadWrite.OwnedBy", *_DIRECTORY)
APP_WRITE = any_of("Application.ReadWrite.All", "Application.ReadWrite.OwnedBy", "Directory.ReadWrite.All")
APP_OWNER_WRITE = any_of(
    ("Application.ReadWrite.OwnedBy", "Directory.Read.All"),
    ("Application.ReadWrite.All", "Directory.Read.All"),
    "Directory.ReadWrite.All",
)
# Of the app's side: "List appRoleAssignments granted for a service principal" names readers of apps alone.
ASSIGNED_READ = APP_READ
ASSIGNMENT_READ = (*APP_READ, *any_of("AppRoleAssignment.ReadWrite.All"))
# What a group or a user is assigned to: no narrower reader is documented. A writer of assignments alone is refused
# for a user (reported), so it needs a reader of users besides.
GROUP_ASSIGNMENT_READ = any_of("Directory.Read.All", "AppRoleAssignment.ReadWrite.All", "Directory.ReadWrite.All")
USER_ASSIGNMENT_READ = any_of(*_DIRECTORY, *product(["AppRoleAssignment.ReadWrite.All"], _USERS))
# With the first alone Graph answers 403 (reported, graph contract "Permissions").
ASSIGNMENT_WRITE = any_of(
    *product(["AppRoleAssignment.ReadWrite.All"], ["Application.Read.All", "Application.ReadWrite.All", *_DIRECTORY])
)
# Any of these: which one alone is enough to invite is the model's rule.
INVITE = any_of("User.Invite.All", "User.ReadWrite.All", "Directory.ReadWrite.All")
POLICY_READ = any_of("Policy.Read.All", "Policy.ReadWrite.Authorization", "Policy.ReadWrite.CrossTenantAccess")
AUTHORIZATION_WRITE = any_of("Policy.ReadWrite.Authorization")
CROSS_TENANT_WRITE = any_of("Policy.ReadWrite.CrossTenantAccess")
B2B_MANAGEMENT_WRITE = any_of("Policy.ReadWrite.B2BManagementPolicy")
B2B_MANAGEMENT_READ = (*any_of("Policy.Read.All"), *B2B_MANAGEMENT_WRITE)
SETTINGS_READ = (*any_of("GroupSettings.Read.All", "GroupSettings.ReadWrite.All"), *GROUP_READ)
SETTINGS_WRITE = any_of("GroupSettings.ReadWrite.All", "Directory.ReadWrite.All")
AUDIT_READ = any_of("AuditLog.Read.All")
DIRECTORY_READ = any_of(*_DIRECTORY)
ORGANIZATION_READ = (*any_of("Organization.Read.All", "User.Read.All", "Domain.Read.All"), *DIRECTORY_READ)
OBJECT_READ = (*DIRECTORY_READ, *USER_READ, *GROUP_READ, *APP_READ)
MAIL_SEND = any_of("Mail.Send")
MAIL_READ = any_of("Mail.Read", "Mail.ReadWrite")
MAIL_WRITE = any_of("Mail.ReadWrite")
ROLE_MANAGEMENT = "RoleManagement.ReadWrite.Directory"
ENTITLEMENT_READ = any_of("EntitlementManagement.Read.All", "EntitlementManagement.ReadWrite.All")
ENTITLEMENT_WRITE = any_of("EntitlementManagement.ReadWrite.All")
