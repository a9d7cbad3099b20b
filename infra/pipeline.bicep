// Lets a workflow on GitHub deploy Guestlist without a secret: an identity, a federated credential by which Entra ID
// believes GitHub about the workflow, and the roles that main.bicep needs of whoever deploys it. Once per repository, by
// hand: docs/how-to/operator/deploy-from-github.md. azd has no part in it: the credentials that `azd pipeline config`
// makes are for branches and pull requests, and the workflow runs in an environment.
targetScope = 'subscription'

@description('Repository on GitHub: OWNER/NAME, spelled as GitHub spells it.')
param repository string

@description('Environment on GitHub that the workflow runs in.')
param environmentName string = 'production'

@description('Resource group that the identity is in. Not Guestlist\'s own: azd down deletes that.')
param groupName string = 'rg-guestlist-pipeline'

@description('Region that the identity is in.')
param location string = deployment().location

// Which roles main.bicep assigns: no others may be assigned by the workflow.
var roles = loadJsonContent('roles.json')
var onStorage = [for role in items(roles.storage): role.value]
var onComponent = [for role in items(roles.component): role.value]
var assignable = join(concat(onStorage, onComponent), ', ')
// Source: Azure built-in roles; "Delegate Azure role assignment management to others with conditions".
var contributor = 'b24988ac-6180-42a0-ab88-20f7382dd24c'
var accessAdministrator = 'f58310d9-a9f6-439a-9e8d-f62e7b41a168'
var onlyThese = '((!(ActionMatches{\'Microsoft.Authorization/roleAssignments/write\'})) OR (@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {${assignable}})) AND ((!(ActionMatches{\'Microsoft.Authorization/roleAssignments/delete\'})) OR (@Resource[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {${assignable}}))'

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: groupName
  location: location
}

module identity 'pipeline/identity.bicep' = {
  name: 'guestlist-pipeline-identity'
  scope: group
  params: {
    name: 'id-guestlist-pipeline'
    location: location
    subject: 'repo:${repository}:environment:${environmentName}'
  }
}

resource mayDeploy 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, groupName, contributor)
  properties: {
    description: 'Guestlist: deploys from GitHub'
    principalId: identity.outputs.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', contributor)
  }
}

resource mayAssign 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, groupName, accessAdministrator)
  properties: {
    description: 'Guestlist: gives its identity its roles, from GitHub'
    principalId: identity.outputs.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', accessAdministrator)
    condition: onlyThese
    conditionVersion: '2.0'
  }
}

// Variables of the environment on GitHub.
output AZURE_CLIENT_ID string = identity.outputs.clientId
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_SUBSCRIPTION_ID string = subscription().subscriptionId
