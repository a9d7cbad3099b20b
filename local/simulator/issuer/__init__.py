"""A token issuer that follows Microsoft Entra ID: for development, with people and apps of a simulated tenant."""

from .issuer import BadToken, Issuer
from .people import Client, People, Person
from .routes import add_routes
from .scopes import GRAPH

__all__ = ["GRAPH", "BadToken", "Client", "Issuer", "People", "Person", "add_routes"]
