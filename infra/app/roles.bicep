// What the identity may do in Azure: one role for each service, on these two resources and nothing above them.

@description('Object id of the identity.')
param principalId string

@description('Name of the storage account.')
param storageName string

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

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: componentName
}

resource onStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in items(roles.storage): {
  name: guid(storage.id, principalId, role.value)
  scope: storage
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
