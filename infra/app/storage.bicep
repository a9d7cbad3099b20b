// One storage account, for the host and for Guestlist's own state. Nobody has a key: access is by identity alone.
//
// The app for setup has its host and its package elsewhere (setup_storage.bicep), and only queues and tables here.

@description('Name of the account: 3 to 24 lower-case letters and digits.')
@minLength(3)
@maxLength(24)
param name string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Keep three copies in three zones of the region instead of in one.')
param zoneRedundant bool

@description('Let nobody in but through private endpoints.')
param privateNetwork bool

@description('Container that the deployment package is put into.')
param deploymentContainer string

@description('Days for which deleted blobs and containers can be brought back.')
@minValue(1)
@maxValue(365)
param restorableDays int

// Drawn from the code by docs/make_tables.py; a test compares.
var names = loadJsonContent('../storage-names.json')

// The host moves a message that failed in every delivery to the poison queue, and a timer of Guestlist drains it. What
// stays there shows in the alert poison-not-empty. Nothing listens to a poison queue, so none needs one of its own.
var poisonQueues = [for queue in names.queues: '${queue}-poison']

resource account 'Microsoft.Storage/storageAccounts@2026-06-01' = {
  // checkov:skip=CKV_AZURE_35:Deny where privateNetwork is on; without a network the app comes from addresses that nobody knows, and every access needs a token
  // checkov:skip=CKV_AZURE_206:copies in three zones by the parameter zoneRedundant; a second region would get tables and queues at different moments, so a backup of the tables is what brings them back
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: zoneRedundant ? 'Standard_ZRS' : 'Standard_LRS'
  }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: privateNetwork ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: privateNetwork ? 'Deny' : 'Allow'
    }
    encryption: {
      keySource: 'Microsoft.Storage'
      requireInfrastructureEncryption: true
      services: {
        blob: {
          enabled: true
          keyType: 'Account'
        }
        file: {
          enabled: true
          keyType: 'Account'
        }
        // Account keys for these two, too: they can be chosen only when the account is made.
        queue: {
          enabled: true
          keyType: 'Account'
        }
        table: {
          enabled: true
          keyType: 'Account'
        }
      }
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2026-06-01' = {
  parent: account
  name: 'default'
  properties: {
    deleteRetentionPolicy: {
      enabled: true
      days: restorableDays
    }
    containerDeleteRetentionPolicy: {
      enabled: true
      days: restorableDays
    }
  }
}

resource containers 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-06-01' = [for container in concat(names.containers, [deploymentContainer]): {
  parent: blobs
  name: container
  properties: {
    publicAccess: 'None'
  }
}]

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2026-06-01' = {
  parent: account
  name: 'default'
}

resource queues 'Microsoft.Storage/storageAccounts/queueServices/queues@2026-06-01' = [for queue in concat(names.queues, poisonQueues): {
  parent: queueService
  name: queue
}]

resource tableService 'Microsoft.Storage/storageAccounts/tableServices@2026-06-01' = {
  parent: account
  name: 'default'
}

resource tables 'Microsoft.Storage/storageAccounts/tableServices/tables@2026-06-01' = [for table in names.tables: {
  parent: tableService
  name: table
}]

@description('Resource id.')
output id string = account.id

@description('Name of the account.')
output name string = account.name

@description('Address of its blobs.')
output blobEndpoint string = account.properties.primaryEndpoints.blob

@description('Address of its queues.')
output queueEndpoint string = account.properties.primaryEndpoints.queue

@description('Address of its tables.')
output tableEndpoint string = account.properties.primaryEndpoints.table
