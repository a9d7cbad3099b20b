// What Guestlist's identity may do in the directory: application permissions on Microsoft Graph, one by one.
//
// Whoever deploys this must be allowed to grant them: Privileged Role Administrator, or an app with
// AppRoleAssignment.ReadWrite.All and Application.Read.All. Where nobody who deploys is, the parameter
// grantPermissions leaves it to the script or to an administrator. Nothing is taken away here: a permission of a
// feature that was switched off later stays granted until somebody removes it (infra/README.md).
//
// Source: Microsoft Graph Bicep, appRoleAssignedTo resource type.

extension microsoftGraphV1

@description('Object id of the identity.')
param principalId string

@description('Names of the permissions, for example User.Invite.All.')
param permissions array

resource graph 'Microsoft.Graph/servicePrincipals@v1.0' existing = {
  // Microsoft Graph itself, the same in every tenant.
  appId: '00000003-0000-0000-c000-000000000000'
}

resource granted 'Microsoft.Graph/appRoleAssignedTo@v1.0' = [for permission in permissions: {
  // Graph says itself which id goes with a name.
  appRoleId: filter(graph.appRoles, role => role.value == permission && contains(role.allowedMemberTypes, 'Application'))[0].id
  principalId: principalId
  resourceId: graph.id
}]
