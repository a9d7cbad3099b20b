// Alerts on what Guestlist measures (alerts.json), one on whether it answers at all, and who gets them.

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Beginning of the names.')
param prefix string

@description('Resource id of the Log Analytics workspace.')
param workspaceId string

@description('Resource id of the Application Insights component.')
param componentId string

@description('Address that is asked whether Guestlist is ready; empty where nobody outside can reach it.')
param readyUrl string

@description('Features that are switched on.')
param features array

@description('Mail address that alerts go to; empty for none.')
param mail string

// Each query gives one row for each thing that is wrong: Subject says which, Value how much.
var all = loadJsonContent('../alerts.json')
var wanted = filter(all.logs, alert => empty(alert.feature) || contains(features, alert.feature))

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(mail)) {
  name: '${prefix}-people'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'guestlist'
    emailReceivers: [
      {
        name: 'mail'
        emailAddress: mail
        useCommonAlertSchema: true
      }
    ]
  }
}

resource logAlerts 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [for alert in wanted: {
  name: '${prefix}-${alert.name}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'Guestlist: ${alert.title}'
    description: '${alert.description} What to do: docs/operations.md#alert-${alert.name}'
    enabled: true
    severity: alert.severity
    scopes: [
      workspaceId
    ]
    evaluationFrequency: alert.every
    windowSize: alert.window
    autoMitigate: true
    checkWorkspaceAlertsStorageConfigured: false
    // On the first day the workspace knows none of the metrics yet.
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: join(alert.query, '\n')
          timeAggregation: 'Maximum'
          metricMeasureColumn: 'Value'
          dimensions: [
            {
              name: 'Subject'
              operator: 'Include'
              values: [
                '*'
              ]
            }
          ]
          operator: 'GreaterThan'
          threshold: alert.above
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    actions: {
      actionGroups: empty(mail) ? [] : [
        people.id
      ]
    }
  }
}]

// Asks from outside, four times an hour from each place: each time is paid for, and wakes the app. What the app cannot
// say by itself, that its queues or its timer are dead, is seen this way: readiness is then 503.
resource ready 'Microsoft.Insights/webtests@2022-06-15' = if (!empty(readyUrl)) {
  name: '${prefix}-ready'
  location: location
  tags: union(tags, { 'hidden-link:${componentId}': 'Resource' })
  kind: 'standard'
  properties: {
    Name: '${prefix}-ready'
    SyntheticMonitorId: '${prefix}-ready'
    Kind: 'standard'
    Description: 'Is Guestlist ready: settings, storage, permissions, queues, timer'
    Enabled: true
    Frequency: 900
    Timeout: 120
    RetryEnabled: true
    Locations: [
      {
        Id: 'emea-nl-ams-azr'
      }
      {
        Id: 'us-va-ash-azr'
      }
      {
        Id: 'apac-sg-sin-azr'
      }
    ]
    Request: {
      RequestUrl: readyUrl
      HttpVerb: 'GET'
      FollowRedirects: false
      ParseDependentRequests: false
    }
    ValidationRules: {
      ExpectedHttpStatusCode: 200
      SSLCheck: true
      SSLCertRemainingLifetimeCheck: 14
    }
  }
}

resource notReady 'Microsoft.Insights/metricAlerts@2026-01-01' = if (!empty(readyUrl)) {
  name: '${prefix}-${all.ready.name}'
  location: 'global'
  tags: tags
  properties: {
    description: '${all.ready.description} What to do: docs/operations.md#alert-${all.ready.name}'
    enabled: true
    severity: all.ready.severity
    scopes: [
      ready.id
      componentId
    ]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT30M'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.WebtestLocationAvailabilityCriteria'
      webTestId: ready.id
      componentId: componentId
      failedLocationCount: 2
    }
    actions: empty(mail) ? [] : [
      {
        actionGroupId: people.id
      }
    ]
  }
}
