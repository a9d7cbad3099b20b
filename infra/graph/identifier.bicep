// Gives the API its address, api://{application id}: the part of its name in front of the scope. The directory makes the
// id, so this is a second write to the same registration, found by its unique name; what is not named here stays as it
// is. Source: Microsoft Graph, "Upsert application": only the properties that are given are changed.

extension microsoftGraphV1

@description('Unique name of the API\'s registration.')
param uniqueName string

@description('Name that people see.')
param displayName string

@description('Application id that the directory gave it.')
param appId string

resource api 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: uniqueName
  displayName: displayName
  identifierUris: [
    'api://${appId}'
  ]
}
