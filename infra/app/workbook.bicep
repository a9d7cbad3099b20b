// The dashboard: workbook.json, tied to this workspace.

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Resource id of the Log Analytics workspace.')
param workspaceId string

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  // A workbook's name has to be a GUID.
  name: guid(workspaceId, 'guestlist')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Guestlist'
    category: 'workbook'
    version: '1.0'
    sourceId: workspaceId
    serializedData: replace(loadTextContent('../workbook.json'), '{workspace}', workspaceId)
  }
}
