"""Entitlement management (graph contract "Entitlement management"): `model` and `requests` hold the rules, `shown`
the forms, `routes` the HTTP."""
