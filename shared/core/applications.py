"""Applications as the directory has them: what a setup reads of one, and which app role guests get."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, NewType

from shared.core.errors import Refused
from shared.core.personal import People
from shared.core.reasons import Reason

AppId = NewType("AppId", str)
"""Application (client) id: a GUID in lower case with dashes. The same in every tenant."""
PrincipalId = NewType("PrincipalId", str)
"""Object id of a service principal (the 'enterprise application'): a GUID in lower case with dashes."""

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
    """The role that the group and its owners get.

    Raises:
        Refused: `app-role-needed` where the app declares several and none was named, `app-role-missing` where
            it has none of that name, value or id.
    """
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
