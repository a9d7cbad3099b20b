// Guestlist in Azure, by one command: azd up (infra/README.md). The parameters without a default are the questions that
// azd asks; all others are switches.
targetScope = 'subscription'

// --- Asked

@description('Name of this deployment, for example guestlist or guestlist-test. azd asks for it as the environment\'s name.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Region that Guestlist runs in. It has to offer Azure Functions Flex Consumption with Python 3.13.')
@metadata({
  azd: {
    type: 'location'
  }
})
param location string

@description('Name in Guestlist\'s address: https://NAME.azurewebsites.net. Nobody else in the world may have it. Small letters, digits and hyphens.')
@minLength(2)
@maxLength(40)
param publicName string

@description('What Guestlist shall do besides inviting. all, or inviting (nothing besides), or some of these with commas between them: setup (make apps ready for guests), access-packages (needs setup), audits (look for what is wrong each night), remedies (put right what audits find; needs audits), undo (delete guests of an import that is taken back), sign-ins (see when guests last signed in). Each needs more permissions: docs/permissions.md.')
param features string

@description('Mailbox that Guestlist sends its own mail from, for example guestlist@contoso.com; none where it shall send none.')
param mailbox string

@description('Who is an administrator of Guestlist: me (whoever answers this), or sign-in names with commas between them.')
param admins string

@description('Mail address that alerts go to; none for nobody (they still show in the Azure portal).')
param alertMail string

@description('Keep Guestlist running when one of the region\'s data centers fails? It costs somewhat more, and not every region can. It can hardly be changed later.')
param zoneRedundant bool

@description('Reach the storage only from inside a virtual network? Private endpoints cost a few euros a month each.')
param privateNetwork bool

// --- Who may do what

@description('Who gives the identity its permissions on Microsoft Graph: template (this deployment; needs Privileged Role Administrator), script (python3 dev.py operate grant, after the deployment) or nobody (an administrator, later; Guestlist says what is missing).')
@allowed([
  'template'
  'script'
  'nobody'
])
param grantPermissions string = 'template'

@description('Make the two registrations in the directory. Without, an administrator makes them as infra/README.md says and gives their ids in apiClientId and clientId.')
param registerApps bool = true

@description('Application id of an API registration that is there already.')
param apiClientId string = ''

@description('Application id of a client registration that is there already.')
param clientId string = ''

@description('Let only those sign in that an administrator assigned to Guestlist.')
param assignmentRequired bool = true

@description('Let people who are signed in with the Azure CLI use the guestlist command without signing in again.')
param authorizeAzureCli bool = false

@description('Put App Service Authentication in front, for the form without script.')
param easyAuth bool = false

@description('Object id of whoever deploys; azd knows it.')
param principalId string = ''

// --- The app

@description('Address that people know Guestlist by, if it is another than Azure\'s, for example https://guests.contoso.com.')
param publicUrl string = ''

@description('Azure Communication Services Email instead of a mailbox: its endpoint.')
param acsEndpoint string = ''

@description('Azure Communication Services Email instead of a mailbox: the sender.')
param acsSender string = ''

@description('Application ids, with commas between them, of apps that no setup may touch.')
param protectedApps string = ''

@description('Application ids, by commas, of further applications that may act for a signed-in person.')
param allowedClients string = ''

@description('When the sweeper runs (NCRONTAB, UTC).')
param sweepSchedule string = '0 * * * * *'

@description('When the audit runs (NCRONTAB, UTC).')
param auditSchedule string = '0 0 2 * * *'

@description('Write guests\' addresses into logs. Without it logs carry a keyed hash.')
param logPersonalData bool = false

@description('Where else traces and metrics are sent, by OTLP over HTTP.')
param otlpEndpoint string = ''

@description('Settings named in infra/settings-left-out.json whose value shall differ from the default.')
param moreSettings object = {}

@description('Memory of an instance, in MB.')
@allowed([
  512
  2048
  4096
])
param instanceMemoryMB int = 2048

@description('Instances at most, of all functions together.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Requests that one instance answers at once.')
@minValue(1)
@maxValue(1000)
param httpConcurrency int = 16

@description('Instances for requests that are always running: no waiting for the first page, at the price of an instance. 0 lets the app sleep; with zoneRedundant 2 or more.')
@minValue(0)
param alwaysReadyHttp int = 0

@description('Instances that are always running for what every invitation starts with: no waiting for the first step of a single invitation. 0 lets them sleep; with zoneRedundant 2 or more.')
@minValue(0)
param alwaysReadyInvitations int = 0

// --- Around it

@description('Let nobody reach the app itself but from inside the virtual network. No stranger can ask to join then, and it can be deployed to from inside only.')
param privateApp bool = false

@description('Address range of the virtual network.')
param addressPrefix string = '10.60.0.0/22'

@description('Part of it for the app, /27 or wider.')
param appPrefix string = '10.60.0.0/24'

@description('Part of it for private endpoints.')
param endpointsPrefix string = '10.60.1.0/24'

@description('Days for which logs are kept.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 90

@description('Which accesses to the storage are logged.')
@allowed([
  'changes'
  'all'
  'none'
])
param storageLogs string = 'changes'

@description('Days for which deleted blobs and containers can be brought back.')
@minValue(1)
@maxValue(365)
param restorableDays int = 14

@description('Further tags for every resource.')
param tags object = {}

var token = toLower(uniqueString(subscription().id, environmentName, location))
var allTags = union(tags, { 'azd-env-name': environmentName })
var hostName = '${publicName}.azurewebsites.net'
var address = empty(publicUrl) ? 'https://${hostName}' : publicUrl
var deploymentContainer = 'deployment'
var assertionSetting = 'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID'
var noMail = toLower(mailbox) == 'none'
var sender = noMail ? '' : mailbox
var told = toLower(alertMail) == 'none' ? '' : alertMail
// Storage out of reach of the internet, or the app: either needs the network.
var hasNetwork = privateNetwork || privateApp

// Drawn from the code (shared/diagnostics/model/diagnosis.py): which permissions each feature needs.
var permissionsOf = loadJsonContent('permissions.json')
var everyFeature = [
  'setup'
  'access-packages'
  'audits'
  'remedies'
  'undo'
  'sign-ins'
]
var chosen = features == 'all' ? everyFeature : (features == 'inviting' ? [] : split(replace(features, ' ', ''), ','))
var wanted = {
  setup: contains(chosen, 'setup') ? permissionsOf.setup : []
  accessPackages: contains(chosen, 'access-packages') ? permissionsOf['access-packages'] : []
  audits: contains(chosen, 'audits') ? permissionsOf.audits : []
  remedies: contains(chosen, 'remedies') ? permissionsOf.remedies : []
  undo: contains(chosen, 'undo') ? permissionsOf.undo : []
  signIns: contains(chosen, 'sign-ins') ? permissionsOf['sign-ins'] : []
  mailbox: empty(sender) ? [] : permissionsOf.mailbox
}
// Those with which a tenant can be taken over are for an identity of its own (docs/adr/0018).
var setupPermissions = union(wanted.setup, wanted.accessPackages)
var hasSetup = contains(chosen, 'setup')
var permissions = union(permissionsOf.inviting, wanted.audits, wanted.remedies, wanted.undo, wanted.signIns, wanted.mailbox)

var adminsAreMe = toLower(admins) == 'me'

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: allTags
}

module identity 'app/identity.bicep' = {
  name: 'guestlist-identity'
  scope: group
  params: {
    name: 'id-guestlist-${token}'
    location: location
    tags: allTags
  }
}

// Setup's own app, identity and storage: no request reaches it, and nobody else acts with its identity.
module setupIdentity 'app/identity.bicep' = if (hasSetup) {
  name: 'guestlist-setup-identity'
  scope: group
  params: {
    name: 'id-guestlist-setup-${token}'
    location: location
    tags: allTags
  }
}

module setupStorage 'app/setup_storage.bicep' = if (hasSetup) {
  name: 'guestlist-setup-storage'
  scope: group
  params: {
    name: 'stsetup${token}'
    location: location
    tags: allTags
    zoneRedundant: zoneRedundant
    privateNetwork: privateNetwork
    deploymentContainer: deploymentContainer
    restorableDays: restorableDays
  }
}

module setupRoles 'app/roles.bicep' = if (hasSetup) {
  name: 'guestlist-setup-roles'
  scope: group
  params: {
    principalId: setupIdentity!.outputs.principalId
    storageName: storage.outputs.name
    hostStorageName: setupStorage!.outputs.name
    componentName: monitoring.outputs.componentName
  }
}

module storage 'app/storage.bicep' = {
  name: 'guestlist-storage'
  scope: group
  params: {
    name: 'st${token}'
    location: location
    tags: allTags
    zoneRedundant: zoneRedundant
    privateNetwork: privateNetwork
    deploymentContainer: deploymentContainer
    restorableDays: restorableDays
  }
}

module monitoring 'app/monitoring.bicep' = {
  name: 'guestlist-monitoring'
  scope: group
  params: {
    workspaceName: 'log-guestlist-${token}'
    componentName: 'appi-guestlist-${token}'
    location: location
    tags: allTags
    retentionDays: logRetentionDays
  }
}

module roles 'app/roles.bicep' = {
  name: 'guestlist-roles'
  scope: group
  params: {
    principalId: identity.outputs.principalId
    storageName: storage.outputs.name
    componentName: monitoring.outputs.componentName
  }
}

module storageLogging 'app/storage_logs.bicep' = {
  name: 'guestlist-storage-logs'
  scope: group
  params: {
    storageName: storage.outputs.name
    workspaceId: monitoring.outputs.workspaceId
    logged: storageLogs
  }
}

module network 'app/network.bicep' = if (hasNetwork) {
  name: 'guestlist-network'
  scope: group
  params: {
    name: 'vnet-guestlist-${token}'
    location: location
    tags: allTags
    addressPrefix: addressPrefix
    appPrefix: appPrefix
    endpointsPrefix: endpointsPrefix
    fromOutside: privateApp
  }
}

var storageServices = privateNetwork ? [
  'blob'
  'queue'
  'table'
] : []

module storageEndpoints 'app/private_endpoint.bicep' = [for service in storageServices: {
  name: 'guestlist-endpoint-${service}'
  scope: group
  params: {
    name: 'pep-${service}-${token}'
    location: location
    tags: allTags
    targetId: storage.outputs.id
    groupId: service
    zoneName: 'privatelink.${service}.${environment().suffixes.storage}'
    networkId: network!.outputs.id
    subnetId: network!.outputs.endpointsSubnetId
  }
}]

var setupServices = hasSetup ? storageServices : []

module setupEndpoints 'app/private_endpoint.bicep' = [for service in setupServices: {
  name: 'guestlist-setup-endpoint-${service}'
  scope: group
  // The zones are those of the other account.
  dependsOn: [
    storageEndpoints
  ]
  params: {
    name: 'pep-setup-${service}-${token}'
    location: location
    tags: allTags
    targetId: setupStorage!.outputs.id
    groupId: service
    zoneName: 'privatelink.${service}.${environment().suffixes.storage}'
    networkId: network!.outputs.id
    subnetId: network!.outputs.endpointsSubnetId
    linkZone: false
  }
}]

module registration 'graph/registration.bicep' = if (registerApps) {
  name: 'guestlist-registration'
  scope: group
  params: {
    uniqueName: 'guestlist-${token}'
    displayName: environmentName == 'guestlist' ? 'Guestlist' : 'Guestlist (${environmentName})'
    addresses: union(['https://${hostName}'], [address])
    adminNames: adminsAreMe ? [] : split(replace(admins, ' ', ''), ',')
    adminIds: adminsAreMe && !empty(principalId) ? [principalId] : []
    assignmentRequired: assignmentRequired
    azureCli: azureCli
    vouchingPrincipalId: easyAuth ? identity.outputs.principalId : ''
  }
}

module graphPermissions 'graph/permissions.bicep' = if (grantPermissions == 'template') {
  name: 'guestlist-graph-permissions'
  scope: group
  params: {
    principalId: identity.outputs.principalId
    permissions: permissions
  }
}

module setupGraphPermissions 'graph/permissions.bicep' = if (hasSetup && grantPermissions == 'template') {
  name: 'guestlist-setup-graph-permissions'
  scope: group
  params: {
    principalId: setupIdentity!.outputs.principalId
    permissions: setupPermissions
  }
}

// The Azure CLI, the same in every tenant (the Azure CLI's own application id, published by Microsoft).
var azureCli = authorizeAzureCli ? '04b07795-8ddb-461a-bbee-02f9e1bf7b46' : ''

// Without the ids the app would be deployed, and refuse everybody.
var noIds = 'registerApps is false: give the ids of the two registrations in apiClientId (GUESTLIST_API_AUDIENCE_GIVEN) and clientId (GUESTLIST_CLIENT_ID_GIVEN)'
var api = registerApps ? registration!.outputs.apiClientId : (empty(apiClientId) ? fail(noIds) : apiClientId)
var client = registerApps ? registration!.outputs.clientId : (empty(clientId) ? fail(noIds) : clientId)

// By their names in docs/settings.md, which explains each. An empty one counts as not set.
var appSettings = {
  GUESTLIST_TENANT_ID: tenant().tenantId
  GUESTLIST_API_AUDIENCE: api
  GUESTLIST_CLIENT_ID: client
  GUESTLIST_IDENTITY_CLIENT_ID: identity.outputs.clientId
  GUESTLIST_SETUP_IDENTITY_CLIENT_ID: hasSetup ? setupIdentity!.outputs.clientId : ''
  GUESTLIST_WORKER: 'public'
  GUESTLIST_FEATURES: join(concat(['inviting'], chosen), ',')
  GUESTLIST_PUBLIC_URL: publicUrl
  GUESTLIST_MAIL_MAILBOX: sender
  GUESTLIST_ACS_ENDPOINT: acsEndpoint
  GUESTLIST_ACS_SENDER: acsSender
  GUESTLIST_SWEEP_SCHEDULE: sweepSchedule
  GUESTLIST_AUDIT_SCHEDULE: auditSchedule
  GUESTLIST_PROTECTED_APPS: protectedApps
  GUESTLIST_CLIENTS: join(filter([allowedClients, azureCli], id => !empty(id)), ',')
}
var personalData = logPersonalData ? {
  GUESTLIST_LOG_PERSONAL_DATA: 'true'
} : {}
// The host exports there as well, by gRPC unless it is told otherwise. And Guestlist's exporter brings protobuf's compiled
// parser into a process that has the worker's own loaded, which may crash it (azure-functions-python-worker 1858, 1908):
// the one in Python cannot.
var otlp = empty(otlpEndpoint) ? {} : {
  OTEL_EXPORTER_OTLP_ENDPOINT: otlpEndpoint
  OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf'
  PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION: 'python'
}
// Read by App Service Authentication, not by Guestlist. Names the identity that vouches: no secret.
var session = easyAuth ? {
  OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: identity.outputs.clientId
  WEBSITE_AUTH_AAD_ALLOWED_TENANTS: tenant().tenantId
} : {}

module app 'app/function_app.bicep' = {
  name: 'guestlist-app'
  scope: group
  // The host wants its storage as soon as it starts.
  dependsOn: [
    roles
    storageEndpoints
  ]
  params: {
    name: publicName
    serviceName: 'app'
    closed: false
    planName: 'plan-guestlist-${token}'
    location: location
    tags: allTags
    zoneRedundant: zoneRedundant
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    blobEndpoint: storage.outputs.blobEndpoint
    queueEndpoint: storage.outputs.queueEndpoint
    tableEndpoint: storage.outputs.tableEndpoint
    hostBlobEndpoint: storage.outputs.blobEndpoint
    hostQueueEndpoint: storage.outputs.queueEndpoint
    hostTableEndpoint: storage.outputs.tableEndpoint
    deploymentContainer: deploymentContainer
    connectionString: monitoring.outputs.connectionString
    workspaceId: monitoring.outputs.workspaceId
    subnetId: hasNetwork ? network!.outputs.appSubnetId : ''
    privateApp: privateApp
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    httpConcurrency: httpConcurrency
    alwaysReadyHttp: alwaysReadyHttp
    alwaysReadyInvitations: alwaysReadyInvitations
    settings: union(appSettings, personalData, otlp, session)
    moreSettings: moreSettings
  }
}

// No mail, no session: what setup needs of the settings is the same otherwise.
var setupSettings = union(appSettings, personalData, otlp, {
  GUESTLIST_WORKER: 'setup'
  GUESTLIST_IDENTITY_CLIENT_ID: hasSetup ? setupIdentity!.outputs.clientId : ''
  GUESTLIST_PROTECTED_APPS: join(filter([protectedApps, identity.outputs.clientId], id => !empty(id)), ',')
  GUESTLIST_MAIL_MAILBOX: ''
  GUESTLIST_ACS_ENDPOINT: ''
  GUESTLIST_ACS_SENDER: ''
})

module setupApp 'app/function_app.bicep' = if (hasSetup) {
  name: 'guestlist-setup-app'
  scope: group
  dependsOn: [
    setupRoles
    setupEndpoints
  ]
  params: {
    name: 'func-setup-${token}'
    serviceName: 'setup'
    closed: true
    planName: 'plan-guestlist-setup-${token}'
    location: location
    tags: allTags
    zoneRedundant: zoneRedundant
    identityId: setupIdentity!.outputs.id
    identityClientId: setupIdentity!.outputs.clientId
    blobEndpoint: storage.outputs.blobEndpoint
    queueEndpoint: storage.outputs.queueEndpoint
    tableEndpoint: storage.outputs.tableEndpoint
    hostBlobEndpoint: setupStorage!.outputs.blobEndpoint
    hostQueueEndpoint: setupStorage!.outputs.queueEndpoint
    hostTableEndpoint: setupStorage!.outputs.tableEndpoint
    deploymentContainer: deploymentContainer
    connectionString: monitoring.outputs.connectionString
    workspaceId: monitoring.outputs.workspaceId
    subnetId: hasNetwork ? network!.outputs.appSubnetId : ''
    privateApp: privateApp
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    httpConcurrency: httpConcurrency
    alwaysReadyHttp: 0
    alwaysReadyInvitations: 0
    settings: setupSettings
    moreSettings: moreSettings
  }
}

module appEndpoint 'app/private_endpoint.bicep' = if (privateApp) {
  name: 'guestlist-endpoint-app'
  scope: group
  params: {
    name: 'pep-app-${token}'
    location: location
    tags: allTags
    targetId: app.outputs.id
    groupId: 'sites'
    zoneName: 'privatelink.azurewebsites.net'
    networkId: network!.outputs.id
    subnetId: network!.outputs.endpointsSubnetId
  }
}

module setupAppEndpoint 'app/private_endpoint.bicep' = if (privateApp && hasSetup) {
  name: 'guestlist-setup-endpoint-app'
  scope: group
  dependsOn: [
    appEndpoint
  ]
  params: {
    name: 'pep-setup-app-${token}'
    location: location
    tags: allTags
    targetId: setupApp!.outputs.id
    groupId: 'sites'
    zoneName: 'privatelink.azurewebsites.net'
    networkId: network!.outputs.id
    subnetId: network!.outputs.endpointsSubnetId
    linkZone: false
  }
}

module signInSession 'app/sign_in_session.bicep' = if (easyAuth) {
  name: 'guestlist-sign-in-session'
  scope: group
  params: {
    appName: app.outputs.name
    clientId: client
    apiClientId: api
    assertionSetting: assertionSetting
  }
}

module alerts 'app/alerts.bicep' = {
  name: 'guestlist-alerts'
  scope: group
  params: {
    location: location
    tags: allTags
    prefix: 'guestlist-${token}'
    workspaceId: monitoring.outputs.workspaceId
    componentId: monitoring.outputs.componentId
    readyUrl: privateApp ? '' : 'https://${app.outputs.hostName}/api/health/ready'
    features: chosen
    mail: told
  }
}

module workbook 'app/workbook.bicep' = {
  name: 'guestlist-workbook'
  scope: group
  params: {
    location: location
    tags: allTags
    workspaceId: monitoring.outputs.workspaceId
  }
}

// --- What azd and the hooks of azure.yaml know afterwards

output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = group.name
output GUESTLIST_URL string = address
output GUESTLIST_PORTAL string = '${address}/portal/'
output GUESTLIST_APP_NAME string = app.outputs.name
output GUESTLIST_STORAGE_ACCOUNT string = storage.outputs.name
output GUESTLIST_TENANT_ID string = tenant().tenantId
output GUESTLIST_API_AUDIENCE string = api
output GUESTLIST_CLIENT_ID string = client
output GUESTLIST_IDENTITY_CLIENT_ID string = identity.outputs.clientId
output GUESTLIST_IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId
output GUESTLIST_HAS_SETUP string = hasSetup ? 'true' : 'false'
output GUESTLIST_SETUP_APP_NAME string = hasSetup ? setupApp!.outputs.name : ''
output GUESTLIST_SETUP_IDENTITY_CLIENT_ID string = hasSetup ? setupIdentity!.outputs.clientId : ''
output GUESTLIST_GRANTED_BY string = grantPermissions
output GUESTLIST_GRANTED_FEATURES string = join(concat(['inviting'], chosen, empty(sender) ? [] : ['mailbox']), ',')
