// What an identity may do in Azure: one role for each service, on these resources and nothing above them.

@description('Object id of the identity.')
param principalId string

@description('Name of the storage account.')
param storageName string

@description('Name of the account that its host and its package are in; the same where it has no account of its own.')
param hostStorageName string = storageName

@description('Name of the Application Insights component.')
param componentName string

// Ids of built-in roles, by their names. Source: Azure built-in roles.
// Owner of the blobs, as the host takes leases and the deployment is read from there (Azure Functions, "Connecting to
// host storage with an identity"); contributor of queues and tables: messages and rows, no access rights. Monitoring
// Metrics Publisher is, in spite of its name, for all telemetry (Microsoft Entra authentication for Application Insights).
var roles = loadJsonContent('../roles.json')

resource storage 'Microsoft.Storage/storageAccounts@2026-06-01' existing = {
  name: storageName
}

resource host 'Microsoft.Storage/storageAccounts@2026-06-01' existing = {
  name: hostStorageName
}

// The blobs of the host are in the account of its own, where it has one: of the other it gets queues and tables alone.
var hasOwn = hostStorageName != storageName
var ofState = hasOwn ? roles.state : roles.storage
var ofHost = hasOwn ? roles.storage : {}

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: componentName
}

resource onStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in items(ofState): {
  name: guid(storage.id, principalId, role.value)
  scope: storage
  properties: {
    description: 'Guestlist: ${role.key}'
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.value)
  }
}]

resource onHostStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in items(ofHost): {
  name: guid(host.id, principalId, role.value)
  scope: host
  properties: {
    description: 'Guestlist: ${role.key}'
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.value)
  }
}]

resource onComponent 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in items(roles.component): {
  name: guid(component.id, principalId, role.value)
  scope: component
  properties: {
    description: 'Guestlist: ${role.key}'
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.value)
  }
}]
