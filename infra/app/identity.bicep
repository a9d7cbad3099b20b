// The identity that Guestlist acts with. It has no password and no key, and nothing else may use it.

@description('Name of the identity.')
param name string

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: name
  location: location
  tags: tags
}

@description('Resource id.')
output id string = identity.id

@description('Client id: what the app names when it asks for a token.')
output clientId string = identity.properties.clientId

@description('Object id in the directory: what permissions are granted to.')
output principalId string = identity.properties.principalId
