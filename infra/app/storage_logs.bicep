// Who changed what in the storage account, for whoever has to find that out later.

@description('Name of the storage account.')
param storageName string

@description('Resource id of the Log Analytics workspace.')
param workspaceId string

@description('Which accesses are logged: changes, all, or none. Reading a queue counts as reading: with all, the host asking its queues for messages is most of what is logged, and paid for.')
@allowed([
  'changes'
  'all'
  'none'
])
param logged string

var changes = [
  'StorageWrite'
  'StorageDelete'
]
var categories = logged == 'none' ? [] : (logged == 'all' ? concat(changes, ['StorageRead']) : changes)
var logs = [for name in categories: {
  category: name
  enabled: true
}]
var metrics = [
  {
    category: 'Transaction'
    enabled: true
  }
]

resource account 'Microsoft.Storage/storageAccounts@2026-06-01' existing = {
  name: storageName
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2026-06-01' existing = {
  parent: account
  name: 'default'
}

resource queues 'Microsoft.Storage/storageAccounts/queueServices@2026-06-01' existing = {
  parent: account
  name: 'default'
}

resource tables 'Microsoft.Storage/storageAccounts/tableServices@2026-06-01' existing = {
  parent: account
  name: 'default'
}

// Of diagnostic settings the newest version that is no preview, 2016-09-01, has neither categories of logs by name nor
// Log Analytics as it is meant here; everybody uses this one.
#disable-next-line use-recent-api-versions
resource ofBlobs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'guestlist'
  scope: blobs
  properties: {
    workspaceId: workspaceId
    logs: logs
    metrics: metrics
  }
}

#disable-next-line use-recent-api-versions
resource ofQueues 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'guestlist'
  scope: queues
  properties: {
    workspaceId: workspaceId
    logs: logs
    metrics: metrics
  }
}

#disable-next-line use-recent-api-versions
resource ofTables 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'guestlist'
  scope: tables
  properties: {
    workspaceId: workspaceId
    logs: logs
    metrics: metrics
  }
}
