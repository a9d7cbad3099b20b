// The two registrations in the directory: the API that tokens are made for (GUESTLIST_API_AUDIENCE), and the client that
// people sign in with, in the portal and on the command line (GUESTLIST_CLIENT_ID). Neither has a secret.
//
// Whoever deploys this needs Application.ReadWrite.All or a role such as Application Administrator, and
// Privileged Role Administrator or Cloud Application Administrator for the consent below.

extension microsoftGraphV1

@description('Beginning of the unique names in the directory; the same at each deployment.')
param uniqueName string

@description('Name that people see when they sign in.')
param displayName string

@description('Addresses under which people reach Guestlist, without a slash at the end.')
param addresses array

@description('Who is an administrator of Guestlist: sign-in names of people of the tenant.')
param adminNames array

@description('Who is an administrator of Guestlist, by object id: whoever deploys.')
param adminIds array

@description('Let only those sign in that an administrator assigned. Owners of groups then have to be assigned, too.')
param assignmentRequired bool

@description('Application id of the Azure CLI, where people who are signed in with it may call the API as themselves; empty where not.')
param azureCli string

@description('Object id of the identity that vouches for the client before App Service Authentication; empty without it.')
param vouchingPrincipalId string

var scopeId = guid(uniqueName, 'access_as_user')
var apiName = '${uniqueName}-api'
var clientName = '${uniqueName}-client'
var portals = [for address in addresses: '${address}/portal/']
var callbacks = [for address in addresses: '${address}/.auth/login/aad/callback']
var anybody = [
  'User'
  'Application'
]
// Order and ids never change: tokens carry the value, assignments the id. Each role gives its own and no more.
var roles = [
  {
    value: 'Admin'
    description: 'Invites to any group that is set up, runs imports and audits, and sees everything.'
    members: anybody
  }
  {
    value: 'Auditor'
    description: 'Sees everything and changes nothing.'
    members: anybody
  }
  {
    value: 'Inviter'
    description: 'For apps that call for themselves: may invite into the apps that name them, and to the groups they own.'
    members: [
      'Application'
    ]
  }
  {
    value: 'SetupAdmin'
    description: 'Sets apps up, and removes them again.'
    members: anybody
  }
  {
    value: 'Operator'
    description: 'Stops and starts what sends or changes, and handles what failed.'
    members: anybody
  }
  {
    value: 'PrivacyOfficer'
    description: 'Exports and erases a person\'s data.'
    members: [
      'User'
    ]
  }
]

var exposed = {
  // shared/identity/tokens.py takes tokens of version 2.0 alone.
  requestedAccessTokenVersion: 2
  oauth2PermissionScopes: [
    {
      id: scopeId
      value: 'access_as_user'
      // Only an administrator lets another app act as a person here.
      type: 'Admin'
      isEnabled: true
      adminConsentDisplayName: 'Invite guests as the signed-in person'
      adminConsentDescription: 'Lets the app use Guestlist on behalf of the person who is signed in, with no more rights than that person has.'
      userConsentDisplayName: 'Invite guests as you'
      userConsentDescription: 'Lets the app use Guestlist on your behalf, with no more rights than you have.'
    }
  ]
}

resource client 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: clientName
  displayName: displayName
  signInAudience: 'AzureADMyOrg'
  // The portal: functions/pages.py serves it, portal/src/session.ts signs in with code and PKCE and comes back here.
  spa: {
    redirectUris: portals
  }
  // The command line: a browser on the same machine, or a code that is typed on another device (cli/entra.py).
  publicClient: {
    redirectUris: [
      'http://localhost'
    ]
  }
  isFallbackPublicClient: true
  // App Service Authentication, where it is in front.
  web: {
    redirectUris: empty(vouchingPrincipalId) ? [] : callbacks
    implicitGrantSettings: {
      enableAccessTokenIssuance: false
      // App Service Authentication asks for an ID token beside the code.
      enableIdTokenIssuance: !empty(vouchingPrincipalId)
    }
  }
}

resource clientPrincipal 'Microsoft.Graph/servicePrincipals@v1.0' = {
  appId: client.appId
}

resource vouching 'Microsoft.Graph/applications/federatedIdentityCredentials@v1.0' = if (!empty(vouchingPrincipalId)) {
  name: '${client.uniqueName}/guestlist-identity'
  description: 'The identity of the function app stands in for a secret of App Service Authentication'
  audiences: [
    'api://AzureADTokenExchange'
  ]
  issuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
  subject: vouchingPrincipalId
}

resource api 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: apiName
  displayName: '${displayName} API'
  signInAudience: 'AzureADMyOrg'
  appRoles: [for role in roles: {
    id: guid(uniqueName, role.value)
    value: role.value
    displayName: role.value
    description: role.description
    allowedMemberTypes: role.members
    isEnabled: true
  }]
  // Who is a guest of the tenant is refused by it; a token says so only where it is asked for
  // (Microsoft identity platform, "Optional claims reference": 0 for a member, 1 for a guest).
  optionalClaims: {
    accessToken: [
      {
        name: 'acct'
      }
    ]
  }
  api: exposed
}

// Nobody is asked whether Guestlist's own client may use Guestlist.
module exposeApi 'expose_api.bicep' = {
  name: 'guestlist-expose-api'
  params: {
    uniqueName: apiName
    displayName: '${displayName} API'
    appId: api.appId
    exposed: exposed
    scopeId: scopeId
    clients: concat([client.appId], empty(azureCli) ? [] : [azureCli])
  }
}

resource apiPrincipal 'Microsoft.Graph/servicePrincipals@v1.0' = {
  appId: api.appId
  appRoleAssignmentRequired: assignmentRequired
}

resource graph 'Microsoft.Graph/servicePrincipals@v1.0' existing = {
  appId: '00000003-0000-0000-c000-000000000000'
}

// To know who is signed in, and to stay so: what every sign-in asks for. Given for all, so that nobody is asked.
resource consent 'Microsoft.Graph/oauth2PermissionGrants@v1.0' = {
  clientId: clientPrincipal.id
  consentType: 'AllPrincipals'
  resourceId: graph.id
  scope: 'openid profile offline_access'
}

resource people 'Microsoft.Graph/users@v1.0' existing = [for name in adminNames: {
  userPrincipalName: name
}]

// Who deploys can do everything in the beginning. Give single roles to others, and take them away here, in the directory.
var adminRoles = [
  'Admin'
  'SetupAdmin'
  'Operator'
  'PrivacyOfficer'
]
resource namedAdmins 'Microsoft.Graph/appRoleAssignedTo@v1.0' = [for i in range(0, length(adminNames) * length(adminRoles)): {
  appRoleId: guid(uniqueName, adminRoles[i % length(adminRoles)])
  principalId: people[i / length(adminRoles)].id
  resourceId: apiPrincipal.id
}]

resource knownAdmins 'Microsoft.Graph/appRoleAssignedTo@v1.0' = [for i in range(0, length(adminIds) * length(adminRoles)): {
  appRoleId: guid(uniqueName, adminRoles[i % length(adminRoles)])
  principalId: adminIds[i / length(adminRoles)]
  resourceId: apiPrincipal.id
}]

@description('Application id of the API: what tokens are made for.')
output apiClientId string = api.appId

@description('Application id of the client: what people sign in with.')
output clientId string = client.appId
