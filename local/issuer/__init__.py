"""A token issuer that follows Microsoft Entra ID: for development, with people and apps of a simulated tenant."""

from local.issuer.issuer import GRAPH, BadToken, Issuer
from local.issuer.people import Client, People, Person

__all__ = ["GRAPH", "BadToken", "Client", "Issuer", "People", "Person"]
