// App Service Authentication in front of the app: what lets owners use the plain form without script (docs/portal.md,
// ADR 12). It lets everybody through, as requests to join and the health of the app are for strangers, and only adds
// the session's access token to requests of who has signed in. The app verifies every token itself all the same
// (ADR 5): nothing depends on this being right.
//
// It signs in without a secret: the app's own identity vouches for the registration. Source: App Service, "Configure
// your App Service or Azure Functions app to use Microsoft Entra sign-in", Use a managed identity instead of a secret.

@description('Name of the function app.')
param appName string

@description('Application id of the client that people sign in with.')
param clientId string

@description('Application id of the API.')
param apiClientId string

@description('Setting that holds the client id of the identity that vouches.')
param assertionSetting string

resource app 'Microsoft.Web/sites@2025-03-01' existing = {
  name: appName
}

resource session 'Microsoft.Web/sites/config@2025-03-01' = {
  // checkov:skip=CKV_AZURE_13:looks for the old authsettings; this is its second version, switched on below
  // checkov:skip=CKV_AZURE_63:a property of the configuration web; this is authsettingsV2
  // checkov:skip=CKV_AZURE_65:a property of the configuration web; this is authsettingsV2
  // checkov:skip=CKV_AZURE_66:a property of the configuration web; this is authsettingsV2
  // checkov:skip=CKV_AZURE_80:a property of the configuration web, and of .NET apps
  // checkov:skip=CKV_AZURE_88:a property of the configuration web; Flex Consumption keeps its package in a blob container
  // checkov:skip=CKV_AZURE_222:a property of the app (function_app.bicep); this is authsettingsV2
  parent: app
  name: 'authsettingsV2'
  properties: {
    platform: {
      enabled: true
      runtimeVersion: '~1'
    }
    globalValidation: {
      requireAuthentication: false
      unauthenticatedClientAction: 'AllowAnonymous'
    }
    httpSettings: {
      requireHttps: true
    }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          clientId: clientId
          clientSecretSettingName: assertionSetting
          openIdIssuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
        }
        login: {
          loginParameters: [
            'scope=openid profile offline_access api://${apiClientId}/access_as_user'
          ]
        }
        // Tokens of the portal, the command line and apps are made for the API and pass as well.
        validation: {
          allowedAudiences: [
            clientId
            apiClientId
            'api://${apiClientId}'
          ]
        }
      }
    }
    login: {
      tokenStore: {
        enabled: true
      }
    }
  }
}
