"""Cases for apps, policies, the audit log, entitlement management and mail through msgraph-sdk."""

from typing import Any

import pytest
from msgraph.generated.application_templates.item.instantiate.instantiate_post_request_body import (
    InstantiatePostRequestBody,
)
from msgraph.generated.applications.item.add_password.add_password_post_request_body import (
    AddPasswordPostRequestBody,
)
from msgraph.generated.applications.item.remove_password.remove_password_post_request_body import (
    RemovePasswordPostRequestBody,
)
from msgraph.generated.directory_objects.get_by_ids.get_by_ids_post_request_body import GetByIdsPostRequestBody
from msgraph.generated.directory_objects.validate_properties.validate_properties_post_request_body import (
    ValidatePropertiesPostRequestBody,
)
from msgraph.generated.identity_governance.entitlement_management.catalogs.item.resource_roles.resource_roles_request_builder import (  # noqa: E501
    ResourceRolesRequestBuilder,
)
from msgraph.generated.identity_governance.entitlement_management.catalogs.item.resource_scopes.resource_scopes_request_builder import (  # noqa: E501
    ResourceScopesRequestBuilder,
)
from msgraph.generated.models.access_package import AccessPackage
from msgraph.generated.models.access_package_approval_stage import AccessPackageApprovalStage
from msgraph.generated.models.access_package_assignment import AccessPackageAssignment
from msgraph.generated.models.access_package_assignment_approval_settings import (
    AccessPackageAssignmentApprovalSettings,
)
from msgraph.generated.models.access_package_assignment_policy import AccessPackageAssignmentPolicy
from msgraph.generated.models.access_package_assignment_request import AccessPackageAssignmentRequest
from msgraph.generated.models.access_package_assignment_requestor_settings import (
    AccessPackageAssignmentRequestorSettings,
)
from msgraph.generated.models.access_package_catalog import AccessPackageCatalog
from msgraph.generated.models.access_package_request_state import AccessPackageRequestState
from msgraph.generated.models.access_package_request_type import AccessPackageRequestType
from msgraph.generated.models.access_package_resource import AccessPackageResource
from msgraph.generated.models.access_package_resource_request import AccessPackageResourceRequest
from msgraph.generated.models.access_package_resource_role import AccessPackageResourceRole
from msgraph.generated.models.access_package_resource_role_scope import AccessPackageResourceRoleScope
from msgraph.generated.models.access_package_resource_scope import AccessPackageResourceScope
from msgraph.generated.models.allow_invites_from import AllowInvitesFrom
from msgraph.generated.models.allowed_target_scope import AllowedTargetScope
from msgraph.generated.models.application import Application
from msgraph.generated.models.approval_stage import ApprovalStage
from msgraph.generated.models.authorization_policy import AuthorizationPolicy
from msgraph.generated.models.body_type import BodyType
from msgraph.generated.models.cross_tenant_access_policy_configuration_default import (
    CrossTenantAccessPolicyConfigurationDefault,
)
from msgraph.generated.models.cross_tenant_access_policy_configuration_partner import (
    CrossTenantAccessPolicyConfigurationPartner,
)
from msgraph.generated.models.cross_tenant_access_policy_inbound_trust import CrossTenantAccessPolicyInboundTrust
from msgraph.generated.models.email_address import EmailAddress
from msgraph.generated.models.item_body import ItemBody
from msgraph.generated.models.message import Message
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.password_credential import PasswordCredential
from msgraph.generated.models.recipient import Recipient
from msgraph.generated.models.service_principal import ServicePrincipal
from msgraph.generated.models.single_user import SingleUser
from msgraph.generated.models.user import User
from msgraph.generated.service_principals.item.add_token_signing_certificate.add_token_signing_certificate_post_request_body import (  # noqa: E501
    AddTokenSigningCertificatePostRequestBody,
)
from msgraph.generated.users.item.send_mail.send_mail_post_request_body import SendMailPostRequestBody

from tests.simulator.sdk_directory import ids
from tests.simulator.sdk_tenant import Cases, Tenant, asked, eventual, some
from tests.simulator.simulated_graph import APP, GUS, OLIVIA, OSCAR, TRAVEL

APP_ID = "00000301-0000-4000-8000-000000000301"
PARTNER = "00000999-0000-4000-8000-000000000999"
MAILBOX = "00000106-0000-4000-8000-000000000106"
NON_GALLERY = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621"
cases = Cases()


def _owner_routes(base: str) -> tuple[str, ...]:
    owners = f"{base}/owners"
    return (f"GET {owners}", f"GET {owners}/$ref", f"POST {owners}/$ref", f"DELETE {owners}/{{owner}}/$ref")


async def _owned(owners: Any, t: Tenant) -> None:
    before = ids(await owners.get())
    await owners.ref.post(t.ref(OSCAR))
    assert ids(await owners.get()) == {*before, OSCAR}
    assert len(some(some(await owners.ref.get()).value)) == len(before) + 1
    await owners.by_directory_object_id(OSCAR).ref.delete()
    assert ids(await owners.get()) == before


async def _passwords(object_: Any) -> None:
    wanted = AddPasswordPostRequestBody(password_credential=PasswordCredential(display_name="Deploy"))
    made = some(await object_.add_password.post(wanted))
    [kept] = some(some(await object_.get()).password_credentials)
    assert some(made.secret_text).startswith(some(kept.hint))
    assert (kept.secret_text, kept.key_id, kept.display_name) == (None, made.key_id, "Deploy")
    await object_.remove_password.post(RemovePasswordPostRequestBody(key_id=made.key_id))
    assert some(some(await object_.get()).password_credentials) == []


def _app_routes(base: str, *methods: str) -> tuple[str, ...]:
    return tuple(f"{method} {base}" for method in methods)


@cases.covers(
    "GET /applications",
    "POST /applications",
    "GET /applications/$count",
    "GET /applications/delta",
    *_app_routes("/applications/{application}", "GET", "PATCH", "DELETE"),
    *_app_routes("/applications/(appId=)/{appId}", "GET", "PATCH", "DELETE"),
    *_app_routes("/applications/(uniqueName=)/{uniqueName}", "GET", "PATCH", "DELETE"),
    *_owner_routes("/applications/{application}"),
    "POST /applications/{application}/addPassword",
    "POST /applications/{application}/removePassword",
)
async def applications(t: Tenant) -> None:
    made = some(await t.client.applications.post(Application(display_name="Lodging")))
    one = t.client.applications.by_application_id(some(made.id))
    await one.patch(Application(notes="Hotels"))
    assert some(await one.get()).notes == "Hotels"
    assert made.id in ids(await t.client.applications.get())
    assert made.id in ids(await t.client.applications.delta.get())
    assert await t.client.applications.count.get(eventual()) == len(t.simulator.world.directory.applications)
    await _owned(one.owners, t)
    await _passwords(one)
    await one.delete()
    second = some(await t.client.applications.post(Application(display_name="Rail")))
    by_app_id = t.client.applications_with_app_id(some(second.app_id))
    await by_app_id.patch(Application(notes="Trains"))
    assert some(await by_app_id.get()).notes == "Trains"
    await by_app_id.delete()
    named = t.client.applications_with_unique_name("rail")
    upserted = some(await named.patch(Application(display_name="Rail"), asked(Prefer="create-if-missing")))
    assert some(await named.get()).app_id == upserted.app_id
    await named.delete()


@cases.covers(
    "GET /servicePrincipals",
    "POST /servicePrincipals",
    "GET /servicePrincipals/$count",
    *_app_routes("/servicePrincipals/{servicePrincipal}", "GET", "PATCH", "DELETE"),
    *_app_routes("/servicePrincipals/(appId=)/{appId}", "GET", "PATCH", "DELETE"),
    *_owner_routes("/servicePrincipals/{servicePrincipal}"),
    "POST /servicePrincipals/{servicePrincipal}/addPassword",
    "POST /servicePrincipals/{servicePrincipal}/removePassword",
    "POST /servicePrincipals/{servicePrincipal}/addTokenSigningCertificate",
    "GET /servicePrincipals/{servicePrincipal}/ownedObjects",
)
async def service_principals(t: Tenant) -> None:
    application = some(await t.client.applications.post(Application(display_name="Lodging")))
    made = some(await t.client.service_principals.post(ServicePrincipal(app_id=application.app_id)))
    assert made.display_name == "Lodging"
    one = t.client.service_principals.by_service_principal_id(some(made.id))
    await one.patch(ServicePrincipal(notes="Hotels"))
    assert some(await one.get()).notes == "Hotels"
    assert made.id in ids(await t.client.service_principals.get())
    count = await t.client.service_principals.count.get(eventual())
    assert count == len(t.simulator.world.directory.service_principals)
    await _owned(one.owners, t)
    await _passwords(one)
    asked_for = AddTokenSigningCertificatePostRequestBody(display_name="CN=Lodging")
    certificate = some(await one.add_token_signing_certificate.post(asked_for))
    assert len(some(certificate.thumbprint)) == 40
    await t.client.groups.by_group_id(TRAVEL).owners.ref.post(t.ref(some(made.id)))
    assert ids(await one.owned_objects.get()) == {TRAVEL}
    await one.delete()
    by_app_id = t.client.service_principals_with_app_id(APP_ID)
    await by_app_id.patch(ServicePrincipal(notes="Travel"))
    assert (some(await by_app_id.get()).id, some(await by_app_id.get()).notes) == (APP, "Travel")
    await by_app_id.delete()


@cases.covers(
    "GET /applicationTemplates",
    "GET /applicationTemplates/{template}",
    "POST /applicationTemplates/{template}/instantiate",
)
async def templates(t: Tenant) -> None:
    listed = {one.id for one in some(some(await t.client.application_templates.get()).value)}
    assert NON_GALLERY in listed
    template = t.client.application_templates.by_application_template_id(NON_GALLERY)
    assert some(await template.get()).display_name == "Custom"
    made = some(await template.instantiate.post(InstantiatePostRequestBody(display_name="Vendor")))
    assert some(made.application).app_id == some(made.service_principal).app_id


@cases.covers(
    "GET /directoryObjects/{object}",
    "POST /directoryObjects/getByIds",
    "POST /directoryObjects/validateProperties",
)
async def objects(t: Tenant) -> None:
    assert isinstance(await t.client.directory_objects.by_directory_object_id(GUS).get(), User)
    wanted = GetByIdsPostRequestBody(ids=[GUS, TRAVEL], types=["user"])
    assert ids(await t.client.directory_objects.get_by_ids.post(wanted)) == {GUS}
    name = ValidatePropertiesPostRequestBody(entity_type="Group", display_name="Travel", mail_nickname="travel")
    await t.client.directory_objects.validate_properties.post(name)


@cases.covers(
    "GET /directory/deletedItems/graph.user",
    "GET /directory/deletedItems/graph.application",
    "GET /directory/deletedItems/graph.servicePrincipal",
    "GET /directory/deletedItems/graph.group",
    "GET /directory/deletedItems/{object}",
    "POST /directory/deletedItems/{object}/restore",
    "DELETE /directory/deletedItems/{object}",
)
async def deleted_items(t: Tenant) -> None:
    bin_ = t.client.directory.deleted_items
    await t.client.users.by_user_id(GUS).delete()
    await t.client.applications_with_app_id(APP_ID).delete()
    assert ids(await bin_.graph_user.get()) == {GUS}
    assert len(ids(await bin_.graph_application.get())) == 1
    assert ids(await bin_.graph_service_principal.get()) == {APP}
    assert ids(await bin_.graph_group.get()) == set()
    gus = bin_.by_directory_object_id(GUS)
    assert some(await gus.get()).id == GUS
    assert isinstance(await gus.restore.post(), User)
    await bin_.by_directory_object_id(APP).delete()
    assert ids(await bin_.graph_service_principal.get()) == set()


@cases.covers(
    "GET /policies/authorizationPolicy",
    "PATCH /policies/authorizationPolicy",
    "GET /policies/crossTenantAccessPolicy",
    "GET /policies/crossTenantAccessPolicy/default",
    "PATCH /policies/crossTenantAccessPolicy/default",
)
async def policies(t: Tenant) -> None:
    policy = t.client.policies.authorization_policy
    await policy.patch(AuthorizationPolicy(allow_invites_from=AllowInvitesFrom.AdminsAndGuestInviters))
    assert some(await policy.get()).allow_invites_from == AllowInvitesFrom.AdminsAndGuestInviters
    across = t.client.policies.cross_tenant_access_policy
    assert some(await across.get()).display_name == "CrossTenantAccessPolicy"
    trust = CrossTenantAccessPolicyInboundTrust(is_mfa_accepted=True)
    await across.default.patch(CrossTenantAccessPolicyConfigurationDefault(inbound_trust=trust))
    assert some(some(await across.default.get()).inbound_trust).is_mfa_accepted is True


_PARTNERS = "/policies/crossTenantAccessPolicy/partners"


@cases.covers(
    f"GET {_PARTNERS}",
    f"POST {_PARTNERS}",
    f"GET {_PARTNERS}/{{partner}}",
    f"PATCH {_PARTNERS}/{{partner}}",
    f"DELETE {_PARTNERS}/{{partner}}",
)
async def partners(t: Tenant) -> None:
    all_ = t.client.policies.cross_tenant_access_policy.partners
    made = some(await all_.post(CrossTenantAccessPolicyConfigurationPartner(tenant_id=PARTNER)))
    assert (made.tenant_id, made.inbound_trust) == (PARTNER, None)
    one = all_.by_cross_tenant_access_policy_configuration_partner_tenant_id(PARTNER)
    trust = CrossTenantAccessPolicyInboundTrust(is_mfa_accepted=True)
    await one.patch(CrossTenantAccessPolicyConfigurationPartner(inbound_trust=trust))
    assert some(some(await one.get()).inbound_trust).is_mfa_accepted is True
    assert [partner.tenant_id for partner in some(some(await all_.get()).value)] == [PARTNER]
    await one.delete()
    assert some(some(await all_.get()).value) == []


@cases.covers("GET /organization", "GET /organization/{organization}", "GET /domains", "GET /domains/{domain}")
async def the_organization(t: Tenant) -> None:
    [listed] = some(some(await t.client.organization.get()).value)
    one = some(await t.client.organization.by_organization_id(some(listed.id)).get())
    assert (one.display_name, len(some(one.verified_domains))) == ("Contoso", 2)
    domains = some(some(await t.client.domains.get()).value)
    assert {domain.id for domain in domains} == {"contoso.com", "contoso.onmicrosoft.com"}
    initial = some(await t.client.domains.by_domain_id("contoso.onmicrosoft.com").get())
    assert initial.is_initial is True


@cases.covers("GET /auditLogs/directoryAudits", "GET /auditLogs/directoryAudits/{record}", "GET /auditLogs/signIns")
async def the_audit_log(t: Tenant) -> None:
    await t.client.groups.by_group_id(TRAVEL).members.ref.post(t.ref(GUS))
    audits = t.client.audit_logs.directory_audits
    [record] = some(some(await audits.get()).value)
    one = some(await audits.by_directory_audit_id(some(record.id)).get())
    assert one.activity_display_name == "Add member to group"
    assert some(some(one.target_resources)[0]).id == GUS
    assert some(some(await t.client.audit_logs.sign_ins.get()).value) == []
    with pytest.raises(ODataError) as refused:
        await t.client.audit_logs.sign_ins.by_sign_in_id(PARTNER).get()
    assert refused.value.response_status_code == 404


_GOVERNANCE = "/identityGovernance/entitlementManagement"


def _sets(*names: str, by: str = "GET") -> tuple[str, ...]:
    return tuple(f"{by} {_GOVERNANCE}/{name}" for name in names)


_ALL_SETS = ("catalogs", "accessPackages", "assignmentPolicies", "assignmentRequests", "assignments")


@cases.covers(
    *_sets(*_ALL_SETS, "resourceRequests", *(f"{name}/{{item}}" for name in _ALL_SETS), "resourceRequests/{item}"),
    *_sets("catalogs", "accessPackages", "assignmentPolicies", "assignmentRequests", "resourceRequests", by="POST"),
    *_sets("catalogs/{item}", "accessPackages/{item}", "assignmentPolicies/{item}", by="DELETE"),
    *_sets("catalogs/{item}", "accessPackages/{item}", by="PATCH"),
    *_sets("assignmentPolicies/{item}", by="PUT"),
    *_sets("catalogs/{item}/resources", "catalogs/{item}/resourceRoles", "catalogs/{item}/resourceScopes"),
    *_sets("accessPackages/{item}/resourceRoleScopes"),
    *_sets("accessPackages/{item}/resourceRoleScopes", by="POST"),
    *_sets("accessPackages/{item}/resourceRoleScopes/{roleScope}", by="DELETE"),
)
async def access_packages(t: Tenant) -> None:
    e = t.client.identity_governance.entitlement_management
    package, policy = await _a_package(t, approver=None)
    target = AccessPackageAssignment(
        additional_data={"accessPackageId": package, "assignmentPolicyId": policy, "targetId": GUS}
    )
    wanted = AccessPackageAssignmentRequest(request_type=AccessPackageRequestType.AdminAdd, assignment=target)
    made = some(await e.assignment_requests.post(wanted))
    request = e.assignment_requests.by_access_package_assignment_request_id(some(made.id))
    assert some(await request.get()).state == AccessPackageRequestState.Delivered
    assert len(some(some(await e.assignment_requests.get()).value)) == 1
    [assignment] = some(some(await e.assignments.get()).value)
    assert some(await e.assignments.by_access_package_assignment_id(some(assignment.id)).get()).id == assignment.id
    removal = AccessPackageAssignmentRequest(
        request_type=AccessPackageRequestType.AdminRemove, assignment=AccessPackageAssignment(id=assignment.id)
    )
    await e.assignment_requests.post(removal)
    assert ids(await t.client.groups.by_group_id(TRAVEL).members.get()) == set()

    one = e.access_packages.by_access_package_id(package)
    await one.patch(AccessPackage(description="Travel for all"))
    assert some(await one.get()).description == "Travel for all"
    assert len(some(some(await e.access_packages.get()).value)) == 1
    of_policy = e.assignment_policies.by_access_package_assignment_policy_id(policy)
    replaced = AccessPackageAssignmentPolicy(display_name="Nobody", description="Nobody asks")
    assert some(await of_policy.put(replaced)).display_name == "Nobody"
    assert some(await of_policy.get()).display_name == "Nobody"
    assert len(some(some(await e.assignment_policies.get()).value)) == 1
    await of_policy.delete()
    [role_scope] = some(some(await one.resource_role_scopes.get()).value)
    await one.resource_role_scopes.by_access_package_resource_role_scope_id(some(role_scope.id)).delete()
    await one.delete()
    catalog = next(c for c in some(some(await e.catalogs.get()).value) if c.display_name == "Apps")
    of_catalog = e.catalogs.by_access_package_catalog_id(some(catalog.id))
    await of_catalog.patch(AccessPackageCatalog(description="Of travel"))
    assert some(await of_catalog.get()).description == "Of travel"
    await of_catalog.delete()


async def _a_package(t: Tenant, *, approver: str | None) -> tuple[str, str]:
    """A package that makes members of the travel group, and its policy."""
    e = t.client.identity_governance.entitlement_management
    catalog = some(await e.catalogs.post(AccessPackageCatalog(display_name="Apps")))
    added = AccessPackageResourceRequest(
        request_type=AccessPackageRequestType.AdminAdd,
        resource=AccessPackageResource(origin_id=TRAVEL, origin_system="AadGroup"),
        catalog=AccessPackageCatalog(id=catalog.id),
    )
    request = some(await e.resource_requests.post(added))
    got = some(await e.resource_requests.by_access_package_resource_request_id(some(request.id)).get())
    assert (got.id, len(some(some(await e.resource_requests.get()).value))) == (request.id, 1)
    of_catalog = e.catalogs.by_access_package_catalog_id(some(catalog.id))
    [resource] = some(some(await of_catalog.resources.get()).value)
    of_groups = "originSystem eq 'AadGroup'"
    roles = ResourceRolesRequestBuilder.ResourceRolesRequestBuilderGetQueryParameters(filter=of_groups)
    member = next(
        role
        for role in some(some(await of_catalog.resource_roles.get(asked(roles))).value)
        if role.display_name == "Member"
    )
    scopes = ResourceScopesRequestBuilder.ResourceScopesRequestBuilderGetQueryParameters(filter=of_groups)
    [scope] = some(some(await of_catalog.resource_scopes.get(asked(scopes))).value)
    package = some(
        await e.access_packages.post(
            AccessPackage(display_name="Travel", catalog=AccessPackageCatalog(id=catalog.id))
        )
    )
    role_scopes = e.access_packages.by_access_package_id(some(package.id)).resource_role_scopes
    await role_scopes.post(
        AccessPackageResourceRoleScope(
            role=AccessPackageResourceRole(
                origin_id=member.origin_id,
                origin_system="AadGroup",
                resource=AccessPackageResource(id=resource.id, origin_id=TRAVEL, origin_system="AadGroup"),
            ),
            scope=AccessPackageResourceScope(origin_id=scope.origin_id, origin_system="AadGroup"),
        )
    )
    stages = [AccessPackageApprovalStage(primary_approvers=[SingleUser(user_id=approver)])] if approver else []
    policy = some(
        await e.assignment_policies.post(
            AccessPackageAssignmentPolicy(
                display_name="Guests",
                description="Guests ask",
                allowed_target_scope=AllowedTargetScope.AllExternalUsers,
                requestor_settings=AccessPackageAssignmentRequestorSettings(enable_targets_to_self_add_access=True),
                request_approval_settings=AccessPackageAssignmentApprovalSettings(
                    is_approval_required_for_add=bool(stages), stages=stages
                ),
                access_package=AccessPackage(id=package.id),
            )
        )
    )
    return some(package.id), some(policy.id)


_APPROVALS = "accessPackageAssignmentApprovals/{item}"


@cases.covers(
    *_sets("assignmentRequests/{item}/cancel", by="POST"),
    *_sets(_APPROVALS, f"{_APPROVALS}/stages", f"{_APPROVALS}/stages/{{stage}}"),
    *_sets(f"{_APPROVALS}/stages/{{stage}}", by="PATCH"),
)
async def approvals(t: Tenant) -> None:
    package, policy = await _a_package(t, approver=OLIVIA)
    of_guest = t.as_person(GUS).identity_governance.entitlement_management
    of_approver = t.as_person(OLIVIA).identity_governance.entitlement_management
    for decision in ("cancel", "Approve"):
        link = AccessPackageAssignment(additional_data={"accessPackageId": package, "assignmentPolicyId": policy})
        wanted = AccessPackageAssignmentRequest(request_type=AccessPackageRequestType.UserAdd, assignment=link)
        request = some(some(await of_guest.assignment_requests.post(wanted)).id)
        mine = of_guest.assignment_requests.by_access_package_assignment_request_id(request)
        if decision == "cancel":
            await mine.cancel.post()
            assert some(await mine.get()).state == AccessPackageRequestState.Canceled
            continue
        approval = of_approver.access_package_assignment_approvals.by_approval_id(request)
        assert some(await approval.get()).id == request
        [stage] = some(some(await approval.stages.get()).value)
        one = approval.stages.by_approval_stage_id(some(stage.id))
        assert some(await one.get()).assigned_to_me is True
        await one.patch(ApprovalStage(review_result=decision, justification="Known"))
        assert some(await mine.get()).state == AccessPackageRequestState.Delivered


_MESSAGES = "/users/{user}/messages"


@cases.covers(
    f"GET {_MESSAGES}",
    f"POST {_MESSAGES}",
    f"GET {_MESSAGES}/{{message}}",
    f"PATCH {_MESSAGES}/{{message}}",
    f"DELETE {_MESSAGES}/{{message}}",
    f"POST {_MESSAGES}/{{message}}/send",
    "POST /users/{user}/sendMail",
    "GET /users/{user}/mailFolders",
    "GET /users/{user}/mailFolders/{folder}",
    "GET /users/{user}/mailFolders/{folder}/messages",
)
async def mail(t: Tenant) -> None:
    mailbox = t.client.users.by_user_id(MAILBOX)
    to = [Recipient(email_address=EmailAddress(address="ada@fabrikam.com"))]
    text = ItemBody(content_type=BodyType.Text, content="Welcome")
    immutable = 'IdType="ImmutableId"'
    draft = some(
        await mailbox.messages.post(Message(subject="Hi", to_recipients=to, body=text), asked(Prefer=immutable))
    )
    one = mailbox.messages.by_message_id(some(draft.id))
    await one.patch(Message(subject="Hello"))
    drafts = some(await mailbox.mail_folders.by_mail_folder_id("drafts").get())
    assert (drafts.total_item_count, some(await one.get()).subject) == (1, "Hello")
    await one.send.post()
    sent = some(await one.get(asked(Prefer=immutable)))
    folders = {folder.id: folder for folder in some(some(await mailbox.mail_folders.get()).value)}
    assert (sent.is_draft, folders[sent.parent_folder_id].display_name) == (False, "Sent Items")
    again = Message(subject="Again", to_recipients=to)
    await mailbox.send_mail.post(SendMailPostRequestBody(message=again, save_to_sent_items=True))
    in_sent = mailbox.mail_folders.by_mail_folder_id("sentitems").messages
    assert len(some(some(await in_sent.get()).value)) == 2
    assert {m.subject for m in some(some(await mailbox.messages.get()).value)} == {"Hello", "Again"}
    await one.delete()
    assert [mail.subject for mail in t.simulator.world.observations.mails] == ["Hello", "Again"]
