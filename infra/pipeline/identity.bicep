// The identity that a workflow on GitHub deploys with.

@description('Name of the identity.')
param name string

@description('Region.')
param location string

@description('Who GitHub says that the workflow is: repo:OWNER/NAME:environment:ENVIRONMENT.')
param subject string

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: name
  location: location
}

resource credential 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2024-11-30' = {
  parent: identity
  name: 'github'
  properties: {
    issuer: 'https://token.actions.githubusercontent.com'
    subject: subject
    audiences: [
      'api://AzureADTokenExchange'
    ]
  }
}

@description('Client id: what the workflow signs in as.')
output clientId string = identity.properties.clientId

@description('Object id in the directory: what roles are assigned to.')
output principalId string = identity.properties.principalId
