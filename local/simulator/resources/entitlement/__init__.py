"""Entitlement management (G1.8): `model` and `requests` hold the rules, `shown` the forms, `routes` the HTTP."""
