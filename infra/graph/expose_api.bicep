// The second write to the API's registration, found by its unique name: what can only be said once the first has been
// carried out. Its address, api://{application id}, the part of its name in front of the scope, is made of the id that the
// directory gives it. And clients can be let in without asking only to a scope that is there already: to name one that
// the same write makes is refused where the registration existed before (microsoftgraph/microsoft-graph-docs-contrib 1395).
// What is not named here stays as it is; what the API exposes is given once more, whole, so that nothing depends on how
// parts of it are merged. Source: Microsoft Graph, "Upsert application": only the properties that are given are changed.

extension microsoftGraphV1

@description('Unique name of the API\'s registration.')
param uniqueName string

@description('Name that people see.')
param displayName string

@description('Application id that the directory gave it.')
param appId string

@description('What the first write said that the API exposes: the version of its tokens, and its scopes.')
param exposed object

@description('Id of the scope.')
param scopeId string

@description('Application ids of the clients that may use the API without asking each person.')
param clients array

resource api 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: uniqueName
  displayName: displayName
  identifierUris: [
    'api://${appId}'
  ]
  api: {
    requestedAccessTokenVersion: exposed.requestedAccessTokenVersion
    oauth2PermissionScopes: exposed.oauth2PermissionScopes
    preAuthorizedApplications: [for client in clients: {
      appId: client
      delegatedPermissionIds: [
        scopeId
      ]
    }]
  }
}
