// What the identity may do in Azure: one role for each service, on these two resources and nothing above them.

@description('Object id of the identity.')
param principalId string

@description('Name of the storage account.')
param storageName string

@description('Name of the Application Insights component.')
param componentName string

// Ids of built-in roles. Source: Azure built-in roles.
// Owner of the blobs, as the host takes leases and the deployment is read from there (Azure Functions, "Connecting to
// host storage with an identity"); contributor of queues and tables: messages and rows, no access rights.
var storageRoles = {
  'Storage Blob Data Owner': 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  'Storage Queue Data Contributor': '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  'Storage Table Data Contributor': '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
}
// In spite of its name it is for all telemetry (Microsoft Entra authentication for Application Insights).
var monitoringMetricsPublisher = '3913510d-42f4-4e42-8a64-420c390055eb'

resource storage 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: storageName
}

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: componentName
}

resource onStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in items(storageRoles): {
  name: guid(storage.id, principalId, role.value)
  scope: storage
  properties: {
    description: 'Guestlist: ${role.key}'
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.value)
  }
}]

resource onComponent 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(component.id, principalId, monitoringMetricsPublisher)
  scope: component
  properties: {
    description: 'Guestlist: Monitoring Metrics Publisher'
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', monitoringMetricsPublisher)
  }
}
