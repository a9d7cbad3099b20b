"""Apps that are set up."""

from datetime import datetime
from typing import Literal

from msgspec import field

from shared.core.groups import GroupApp
from shared.core.ids import UserId
from shared.core.links import direct_link
from shared.http.schemas import Answer, Body, Few, Guid, Person, decode
from shared.membership.model.apps import AppRecord, AppState, Kind
from shared.membership.model.policy import RequestPolicy


class Inviters(Body):
    """All apps that may invite into the group of an app, by the object ids of their enterprise applications."""

    value: Few[Guid]


class DirectoryChange(Answer):
    """Something that was made or set in the directory."""

    what: str
    kind: Kind
    id: str


class AppPolicy(Answer):
    """Who may ask to join, who decides, and whose guests are admitted."""

    requests: RequestPolicy
    approvers: list[Person]
    allowed_domains: list[str]
    blocked_domains: list[str]


class App(Answer):
    """An app that is set up."""

    app_id: str
    name: str
    service_principal: str = field(name="servicePrincipalId")
    group: str = field(name="groupId")
    group_name: str
    owners: list[Person]
    policy: AppPolicy
    inviters: list[str]
    direct_link: str
    setup: str = field(name="setupId")
    state: AppState
    updated_at: datetime


class Apps(Answer):
    """Apps that are set up."""

    value: list[App]


class AppRemoval(Answer):
    """What taking an app apart would remove and leave."""

    removes: list[DirectoryChange] = field(name="wouldRemove")
    keeps: list[str] = field(name="wouldKeep")


class AppRemoving(Answer):
    """An app that is being taken apart."""

    app_id: str
    state: Literal["removing"] = "removing"


def decode_inviters(body: bytes) -> list[UserId]:
    """Raises Refused `body-invalid`."""
    return [UserId(each.lower()) for each in decode(Inviters, body).value]


def app(found: AppRecord, tenant_id: str) -> App:
    return App.of(
        found,
        policy=AppPolicy.of(found.policy, approvers=found.named_approvers),
        direct_link=direct_link([GroupApp(found.name, found.app_id)], tenant_id),
    )
