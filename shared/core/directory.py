"""What the directory has: people, groups and applications, which of them Guestlist may touch, the links that lead to
them, and what changed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, TypedDict
from urllib.parse import quote

from shared.core.errors import GuestlistError, Refused
from shared.core.ids import AppId, GroupId, PrincipalId, UserId
from shared.core.personal import People
from shared.core.reasons import Reason


@dataclass(frozen=True, slots=True)
class DirectoryUser:
    """A user of the directory."""

    id: UserId
    name: str
    is_guest: bool = False
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class GroupApp:
    """An app that members of a group get into: its name and its application (client) id."""

    name: str
    app_id: str


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """What the directory says of a group, as far as it decides about guests. By default it is a security group with
    assigned membership: the kind that takes them."""

    id: GroupId
    name: str
    group_types: frozenset[str] = frozenset()
    security_enabled: bool = True
    mail_enabled: bool = False
    synced: bool = False
    role_assignable: bool = False
    management_restricted: bool = False
    owners: frozenset[UserId] = frozenset()
    apps: tuple[GroupApp, ...] = ()


def refusal(group: GroupFacts) -> Reason | None:
    """Why no guest can be invited to this group, or None.

    Only cloud groups with assigned membership that carry no directory role are taken. The order is that of
    what a person has to know first.

    Source: Microsoft Entra, "How users in your organization can invite guest users to an app" (note on
    dynamic and synced groups); graph contract "Groups", table of group kinds.
    """
    checks = (
        (group.synced, Reason.GROUP_SYNCED),
        ("DynamicMembership" in group.group_types, Reason.GROUP_DYNAMIC),
        (group.role_assignable, Reason.GROUP_ROLE_ASSIGNABLE),
        ("Unified" in group.group_types, Reason.GROUP_MICROSOFT_365),
        (group.mail_enabled or not group.security_enabled, Reason.GROUP_MAIL_ENABLED),
        (group.management_restricted, Reason.GROUP_MANAGEMENT_RESTRICTED),
    )
    return next((reason for applies, reason in checks if applies), None)


def direct_link(apps: Sequence[GroupApp], tenant_id: str) -> str:
    """The link that opens the app; My Apps in the right tenant where the group opens none or several.

    Each carries the tenant: guests who sign in with a one-time passcode or a Google account fail on Microsoft's
    common endpoint. Source: graph contract "Links"; Microsoft Entra, "User access URL" of an enterprise application.
    """
    tenant = quote(tenant_id, safe="")
    if len(apps) == 1:
        return f"https://launcher.myapps.microsoft.com/api/signin/{quote(apps[0].app_id, safe='')}?tenantId={tenant}"
    return f"https://myapps.microsoft.com/?tenantid={tenant}"


def app_name(apps: Sequence[GroupApp], group_name: str) -> str:
    """What to call that which the guest gets into."""
    return apps[0].name if len(apps) == 1 else group_name


DEFAULT_ACCESS = "00000000-0000-0000-0000-000000000000"
"""Id of the role of an app that declares none. Source: Microsoft Graph, appRoleAssignment, ``appRoleId``."""
CERTIFICATE_WARNING = timedelta(days=60)
"""How long before its end a signing certificate is reported. Microsoft's own mails begin 60 days before."""


@dataclass(frozen=True, slots=True)
class AppRole:
    """An app role that people can be given."""

    id: str
    name: str
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate that signs SAML tokens. `thumbprint` is in hex, upper case."""

    thumbprint: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Application:
    """A service principal with what a setup needs of it. `roles` are the enabled ones that people may have."""

    app_id: AppId
    name: str
    service_principal: PrincipalId
    enabled: bool = True
    roles: tuple[AppRole, ...] = ()
    sign_on_mode: str | None = None
    login_url: str | None = None
    reply_urls: tuple[str, ...] = ()
    notification_emails: tuple[str, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    active_thumbprint: str | None = None
    identifiers: tuple[str, ...] = ()
    owner_tenant: str | None = None

    @property
    def is_in_use(self) -> bool:
        """It knows addresses already: somebody signs in to it."""
        return bool(self.reply_urls or self.identifiers)

    def certificate(self, now: datetime) -> Certificate | None:
        """The certificate in use: the preferred one, else that which lasts longest; None where none is there."""
        preferred = [c for c in self.certificates if c.thumbprint == self.active_thumbprint]
        return max(preferred or self.certificates, key=lambda c: c.ends_at, default=None)


MICROSOFT = frozenset({"f8cdef31-a31e-4b4a-93e4-5f571e91255a", "72f988bf-86f1-41af-91ab-2d7cd011db47"})
"""Tenants whose apps are Microsoft's own. Source: Microsoft Entra, "Verify first-party Microsoft applications in
sign-in reports"."""


def require_free(app: Application, protected: Collection[AppId]) -> None:
    """Raises Refused `app-protected` for apps that no setup may touch: Guestlist's own, Microsoft's, those named."""
    if app.app_id in protected or app.owner_tenant in MICROSOFT:
        raise Refused(Reason.APP_PROTECTED, f"'{app.name}' ({app.app_id})", field="app")


@dataclass(frozen=True, slots=True)
class Template:
    """An app of Microsoft's gallery."""

    id: str
    name: str


def choose_role(app: Application, wanted: str | None) -> AppRole:
    """The role that the group and its owners get. Raises Refused `app-role-needed` where the app declares several and
    none was named, `app-role-missing` where it has none of that name, value or id."""
    if wanted is not None:
        named = [r for r in app.roles if wanted.casefold() in (r.id, r.name.casefold(), (r.value or "").casefold())]
        if len(named) != 1:
            raise Refused(
                Reason.APP_ROLE_MISSING, f"'{app.name}' has {_listed(app)}, not '{wanted}'", field="appRole"
            )
        return named[0]
    if not app.roles:
        return AppRole(DEFAULT_ACCESS, "Default Access")
    if len(app.roles) > 1:
        raise Refused(
            Reason.APP_ROLE_NEEDED, f"'{app.name}' has {_listed(app)}: which shall guests get?", field="appRole"
        )
    return app.roles[0]


def _listed(app: Application) -> str:
    if not app.roles:
        return "no app role of its own"
    return "the app roles " + ", ".join(f"'{r.name}' ({r.value or r.id})" for r in app.roles)


@dataclass(frozen=True, slots=True)
class Saml:
    """SAML as the app's vendor wants it."""

    identifiers: tuple[str, ...]
    reply_urls: tuple[str, ...]
    sign_on_url: str | None = None
    notification_emails: Annotated[tuple[str, ...], People("who hears of certificates")] = ()


class LinkExpired(GuestlistError):
    """The link is too old: everything has to be read again."""


class UserFacts(TypedDict, total=False):
    """What a change says of an account; what it does not mention is as it was."""

    is_guest: bool
    name: str
    address: str | None
    other_addresses: tuple[str, ...]
    accepted: bool | None
    accepted_at: datetime | None
    created_at: datetime | None
    enabled: bool


@dataclass(frozen=True, slots=True)
class UserChange:
    """An account that is new or changed; with `gone` it was deleted."""

    id: UserId
    facts: UserFacts
    gone: bool = False


@dataclass(frozen=True, slots=True)
class MemberChange:
    """A direct member that a group has now, or (`left`) has no more. `is_group` says that it is a group itself."""

    group: GroupId
    member: UserId
    left: bool = False
    is_group: bool = False


@dataclass(frozen=True, slots=True)
class ChangePage[T]:
    """Some changes and the link to read on from: at once, or with `ends` at the next audit. A page may be empty."""

    changes: list[T]
    link: str
    ends: bool
