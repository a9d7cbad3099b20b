// The function app on the Flex Consumption plan, with all its settings.

@description('Name of the app; with .azurewebsites.net it is its address.')
param name string

@description('Name of the service in azure.yaml whose package is put here.')
param serviceName string

@description('Takes no request from anywhere: the app has queues and timers alone. Packages are put there by its other address, which asks for a token.')
param closed bool

@description('Name of the plan.')
param planName string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Spread the app over the zones of the region.')
param zoneRedundant bool

@description('Resource id of the identity that the app acts with.')
param identityId string

@description('Client id of that identity.')
param identityClientId string

@description('Address of the storage account\'s blobs.')
param blobEndpoint string

@description('Address of the storage account\'s queues.')
param queueEndpoint string

@description('Address of the storage account\'s tables.')
param tableEndpoint string

@description('Address of the blobs that the host and the package use.')
param hostBlobEndpoint string

@description('Address of the queues that the host uses.')
param hostQueueEndpoint string

@description('Address of the tables that the host uses.')
param hostTableEndpoint string

@description('Container that the deployment package is put into.')
param deploymentContainer string

@description('Where the app sends what it measures.')
param connectionString string

@description('Resource id of the Log Analytics workspace that the host\'s own logs go to.')
param workspaceId string

@description('Resource id of the subnet that the app comes out of; empty without a virtual network.')
param subnetId string

@description('Let nobody reach the app but through a private endpoint.')
param privateApp bool

@description('Memory of an instance, in MB.')
@allowed([
  512
  2048
  4096
])
param instanceMemoryMB int

@description('Instances at most, of all functions together.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int

@description('Requests that one instance answers at once.')
@minValue(1)
@maxValue(1000)
param httpConcurrency int

@description('Instances for requests that are always running; 0 lets the app sleep.')
@minValue(0)
param alwaysReadyHttp int

@description('Instances for the first queue of an invitation that are always running; 0 lets them sleep.')
@minValue(0)
param alwaysReadyInvitations int

@description('Settings of the app that the deployment knows: GUESTLIST_… by their names in docs/settings.md.')
param settings object

@description('Settings named in settings-left-out.json, where another value than the default is wanted.')
param moreSettings object

// Storage by identity. Source: Azure Functions, "Connecting to host storage with an identity" and "Connection
// properties" of the queue trigger. Addresses rather than the account's name: host and app take both, and addresses
// hold in every cloud.
var hostSettings = {
  // The app has a page of its own at its root.
  AzureWebJobsDisableHomepage: 'true'
  // Bytes of a request that the host reads at all, as large as the files that imports take: it has each as a whole in
  // memory before the app can refuse it.
  FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: '104857600'
  AzureWebJobsStorage__blobServiceUri: hostBlobEndpoint
  AzureWebJobsStorage__queueServiceUri: hostQueueEndpoint
  AzureWebJobsStorage__tableServiceUri: hostTableEndpoint
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  GuestlistStorage__blobServiceUri: blobEndpoint
  GuestlistStorage__queueServiceUri: queueEndpoint
  GuestlistStorage__tableServiceUri: tableEndpoint
  GuestlistStorage__credential: 'managedidentity'
  GuestlistStorage__clientId: identityClientId
}
var telemetrySettings = {
  APPLICATIONINSIGHTS_CONNECTION_STRING: connectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
  PYTHON_ENABLE_OPENTELEMETRY: 'true'
  OTEL_SERVICE_NAME: closed ? 'guestlist-setup' : 'guestlist'
}

// Groups of instances that never sleep. On Flex Consumption all HTTP functions are one group, and each queue function is
// one by itself, named function:NAME (Azure Functions, "Flex Consumption plan", Per-function scaling). invite_chunk takes
// what every invitation starts with (functions/invitations.py); a test compares the names.
var alwaysReadyGroups = [
  {
    name: 'http'
    instanceCount: alwaysReadyHttp
  }
  {
    name: 'function:invite_chunk'
    instanceCount: alwaysReadyInvitations
  }
]

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  // checkov:skip=CKV_AZURE_225:by parameter, as it costs more and not every region can
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
    zoneRedundant: zoneRedundant
  }
}

// Scale and concurrency: each queue's function scales by itself here, and all HTTP functions together (Azure Functions,
// "Event-driven scaling", Per-function scaling). The scale controller wants an instance for each batchSize messages of
// host.json ("Target-based scaling", Storage queues); an instance that is there has batchSize plus newBatchThreshold in
// flight at most. Both are the same for all queues. What one lane may do is not a matter of instances: the pace is a
// clock in storage that all of them share (shared/pace/pacing.py), and imports get their times when the file is read.
// More instances only stand in line at that clock, whose row takes one writer at a time: hence few of them, rather than
// the platform's hundred.
resource app 'Microsoft.Web/sites@2025-03-01' = {
  // checkov:skip=CKV_AZURE_17:callers are people with browsers and apps with tokens; nobody hands out client certificates
  // checkov:skip=CKV_AZURE_78:Flex Consumption has no FTP and refuses a deployment that names it, with error 51021 (Azure/azure-cli 31414)
  // checkov:skip=CKV_AZURE_212:instances come and go with the work; how many are always there is the parameter alwaysReadyHttp
  // checkov:skip=CKV_AZURE_213:the plan replaces instances by itself; whether Guestlist is ready is asked from outside (alerts.bicep)
  // checkov:skip=CKV_AZURE_222:guests and owners come from everywhere; closed by the parameter privateApp
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': serviceName })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    publicNetworkAccess: privateApp ? 'Disabled' : 'Enabled'
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    siteConfig: {
      http20Enabled: true
      // The second address is for deployments (and asks for a token), so it does not follow the first.
      ipSecurityRestrictionsDefaultAction: closed ? 'Deny' : 'Allow'
      scmIpSecurityRestrictionsDefaultAction: 'Allow'
      scmIpSecurityRestrictionsUseMain: false
      minTlsVersion: '1.2'
      remoteDebuggingEnabled: false
      scmMinTlsVersion: '1.2'
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${hostBlobEndpoint}${deploymentContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: filter(alwaysReadyGroups, group => group.instanceCount > 0)
        triggers: {
          http: {
            perInstanceConcurrency: httpConcurrency
          }
        }
      }
    }
  }

  resource appSettings 'config' = {
    name: 'appsettings'
    properties: union(moreSettings, settings, telemetrySettings, hostSettings)
  }

  // Nobody publishes with a password. The service wants the location that the published type calls optional
  // (Azure/bicep-types-az 1526); there is none for FTP, which Flex Consumption does not have.
  resource scm 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    #disable-next-line BCP187
    location: location
    properties: {
      allow: false
    }
  }
}

#disable-next-line use-recent-api-versions
resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'guestlist'
  scope: app
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'FunctionAppLogs'
        enabled: true
      }
    ]
    metrics: [
      {
        category: 'AllMetrics'
        enabled: true
      }
    ]
  }
}

@description('Resource id.')
output id string = app.id

@description('Name of the app.')
output name string = app.name

@description('Host name that Azure gave it.')
output hostName string = app.properties.defaultHostName
