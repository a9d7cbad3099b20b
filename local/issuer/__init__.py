"""A token issuer that follows Microsoft Entra ID: for development, with people and apps of a simulated tenant."""

from local.issuer.issuer import BadToken, Issuer
from local.issuer.people import Client, People, Person
from local.issuer.scopes import GRAPH

__all__ = ["GRAPH", "BadToken", "Client", "Issuer", "People", "Person"]
