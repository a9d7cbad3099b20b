"""A token issuer that follows Microsoft Entra ID: for development, with people and apps of a simulated tenant."""

from .issuer import GRAPH, BadToken, Issuer
from .people import Client, People, Person
from .routes import add_routes

__all__ = ["GRAPH", "BadToken", "Client", "Issuer", "People", "Person", "add_routes"]
