"""Settings: read once, typed, all faults reported together. ``docs/settings.md`` explains each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from urllib.parse import urlsplit

import msgspec

from shared.audits.model.rules import AuditSettings
from shared.core.clock import Timing
from shared.core.errors import GuestlistError
from shared.core.features import Features, choose
from shared.core.ids import AppId, is_guid
from shared.imports.model.settings import ImportSettings
from shared.membership.model.access import InviteTo
from shared.messages.commands import CHUNK_SIZE
from shared.pace.pacing import Budgets, DayLimit, Pace
from shared.requests.model import Limit, RequestSettings

RENAMED = {
    "GUESTLIST_AUDITS_KEPT": "GUESTLIST_AUDIT_RETENTION",
    "GUESTLIST_AUDIT_SETTLING": "GUESTLIST_AUDIT_GRACE_PERIOD",
    "GUESTLIST_CLAIM": "GUESTLIST_CLAIM_LEASE",
    "GUESTLIST_DOUBT_WINDOW": "GUESTLIST_REPLICATION_WINDOW",
    "GUESTLIST_IMPORTS_FIRST_DAY": "GUESTLIST_IMPORT_GUESTS_FIRST_DAY",
    "GUESTLIST_IMPORTS_PER_DAY": "GUESTLIST_IMPORT_GUESTS_PER_DAY",
    "GUESTLIST_IMPORTS_PER_DAY_AND_INVITER": "GUESTLIST_IMPORT_GUESTS_PER_DAY_AND_INVITER",
    "GUESTLIST_IMPORTS_PER_MINUTE": "GUESTLIST_IMPORT_GUESTS_PER_MINUTE",
    "GUESTLIST_KEY_KEPT": "GUESTLIST_KEY_RETENTION",
    "GUESTLIST_REQUEST_ENDED_KEPT": "GUESTLIST_REQUEST_ENDED_RETENTION",
    "GUESTLIST_REQUEST_KEPT": "GUESTLIST_REQUEST_RETENTION",
    "GUESTLIST_REQUEST_PROOF_KEPT": "GUESTLIST_REQUEST_PROOF_RETENTION",
    "GUESTLIST_STILLNESS": "GUESTLIST_STALL_TIMEOUT",
}
"""Names that settings had in the version before, and what they are called now. Both are read, the new one first."""


class Worker(StrEnum):
    """Which functions an app has: all of them, those without setup's own, or setup's own alone."""

    ALL = "all"
    PUBLIC = "public"
    SETUP = "setup"


def worker_of(env: Mapping[str, str]) -> Worker:
    """Raises SettingsError: an unknown one must not fall back to more functions than were meant."""
    name = (env.get("GUESTLIST_WORKER") or "").strip().lower() or Worker.ALL
    try:
        return Worker(name)
    except ValueError as e:
        raise SettingsError([f"GUESTLIST_WORKER must be all, public or setup, not '{name}'"]) from e


class SettingsError(GuestlistError):
    """Some settings are missing or wrong; the message names each with what to do."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("Guestlist's settings are wrong:\n- " + "\n- ".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything Guestlist reads from its environment, but the storage connection that the host reads too.

    `mail_mailbox` or `acs_endpoint` with `acs_sender` set a sender for Guestlist's own mail; without
    either a welcome message is refused at the request. `clients` are the applications that may act for a person,
    Guestlist's own among them. `renamed` says which settings are given by a name of the version before.
    """

    tenant_id: str
    api_audience: str
    authority: str
    graph_url: str
    identity_client_id: str | None
    client_id: str | None
    mail_mailbox: str | None
    acs_endpoint: str | None
    acs_sender: str | None
    log_personal_data: bool
    message_limit: int
    mail_pace: Pace
    invite_pace: Pace
    timing: Timing
    imports: ImportSettings
    budgets: Budgets
    requests: RequestSettings
    audits: AuditSettings
    features: Features
    chain_timeout: timedelta
    protected_apps: frozenset[AppId]
    worker: Worker
    setup_identity_client_id: str | None
    invite_to: InviteTo
    clients: frozenset[AppId]
    guest_callers: bool
    renamed: tuple[str, ...] = ()

    @property
    def sends_own_mail(self) -> bool:
        return self.mail_mailbox is not None or self.acs_endpoint is not None


def read_settings(env: Mapping[str, str]) -> Settings:
    """Read the settings. Raises SettingsError: naming every fault at once."""
    faults: list[str] = []
    renamed = tuple(f"{old} is called {new} now" for old, new in RENAMED.items() if env.get(old, "").strip())
    env = {new: env[old] for old, new in RENAMED.items() if old in env} | {k: v for k, v in env.items() if v.strip()}

    def text(name: str, default: str | None = None, *, required: bool = False) -> str | None:
        value = env.get(name, "").strip() or default
        if required and not value:
            faults.append(f"{name} is not set")
        return value

    def url(name: str, default: str) -> str:
        value = (text(name, default) or default).rstrip("/")
        parts = urlsplit(value)
        local = parts.hostname in ("localhost", "127.0.0.1", "::1")
        if not parts.hostname or parts.scheme not in ("https", "http") or (parts.scheme == "http" and not local):
            faults.append(f"{name} must be an https address, not '{value}'")
        return value

    def convert[T](name: str, kind: type[T], default: T, check: Callable[[T], bool], what: str) -> T:
        raw = text(name)
        if raw is None:
            return default
        try:
            value = msgspec.convert(raw, kind, strict=False)
        except msgspec.ValidationError:
            value = None
        if value is None or not check(value):
            faults.append(f"{name} must be {what}, not '{raw}'")
            return default
        return value

    def length(name: str, default: timedelta) -> timedelta:
        """An ISO 8601 duration such as PT10M."""
        return convert(name, timedelta, default, lambda d: d > timedelta(0), "a duration such as PT10M")

    def rate(name: str, default: int, burst: int) -> Pace:
        per = convert(name, int, default, lambda n: n > 0, "a whole number of guests a minute")
        return Pace(per, timedelta(minutes=1), burst)

    def count(name: str, default: int) -> int:
        return convert(name, int, default, lambda n: n > 0, "a whole number of guests")

    def evenly(name: str, default: DayLimit) -> DayLimit:
        """The same on every day."""
        most = count(name, default.most)
        return DayLimit(most, most)

    def limit(name: str, default: Limit) -> Limit:
        return replace(default, most=convert(name, int, default.most, lambda n: n > 0, "a whole number of requests"))

    def names(name: str) -> list[str] | None:
        raw = text(name)
        return None if raw is None else [part for part in (p.strip().lower() for p in raw.split(",")) if part]

    def app_ids(name: str) -> set[str]:
        found = set(names(name) or ())
        faults.extend(f"{name}: '{each}' is no application id" for each in sorted(found) if not is_guid(each))
        return found

    mailbox = text("GUESTLIST_MAIL_MAILBOX")
    features, wrong = choose(names("GUESTLIST_FEATURES"), mailbox=mailbox is not None)
    faults += [f"GUESTLIST_FEATURES: {fault}" for fault in wrong]
    defaults, imports, requests, audits = Timing(), ImportSettings(), RequestSettings(), AuditSettings()
    # The platform's own name of the app, where no other was given to it.
    host_name = text("WEBSITE_HOSTNAME")
    public_url = url("GUESTLIST_PUBLIC_URL", f"https://{host_name}" if host_name else "https://unknown.invalid")
    day = Budgets()
    per_group = convert(
        "GUESTLIST_INVITATIONS_PER_DAY_AND_GROUP",
        int,
        day.per_group.most,
        lambda n: n >= CHUNK_SIZE,
        f"a whole number of guests, at least {CHUNK_SIZE}",
    )
    first_day = count("GUESTLIST_IMPORT_GUESTS_FIRST_DAY", imports.per_tenant.first)
    import_pace = rate("GUESTLIST_IMPORT_GUESTS_PER_MINUTE", imports.pace.per, burst=imports.pace.burst)
    import_burst = convert(
        "GUESTLIST_IMPORT_BURST", int, imports.pace.burst, lambda n: n >= 20, "a whole number of guests, at least 20"
    )
    protected, clients = app_ids("GUESTLIST_PROTECTED_APPS"), app_ids("GUESTLIST_CLIENTS")
    own = [text("GUESTLIST_API_AUDIENCE"), text("GUESTLIST_CLIENT_ID")]
    identities = [text("GUESTLIST_IDENTITY_CLIENT_ID"), text("GUESTLIST_SETUP_IDENTITY_CLIENT_ID")]
    try:
        worker = worker_of(env)
    except SettingsError as e:
        faults += e.faults
        worker = Worker.PUBLIC
    settings = Settings(
        tenant_id=(text("GUESTLIST_TENANT_ID", required=True) or "").lower(),
        api_audience=text("GUESTLIST_API_AUDIENCE", required=True) or "",
        authority=url("GUESTLIST_AUTHORITY", "https://login.microsoftonline.com"),
        graph_url=url("GUESTLIST_GRAPH_URL", "https://graph.microsoft.com/v1.0"),
        identity_client_id=text("GUESTLIST_IDENTITY_CLIENT_ID"),
        client_id=text("GUESTLIST_CLIENT_ID"),
        mail_mailbox=mailbox,
        acs_endpoint=text("GUESTLIST_ACS_ENDPOINT"),
        acs_sender=text("GUESTLIST_ACS_SENDER"),
        log_personal_data=convert("GUESTLIST_LOG_PERSONAL_DATA", bool, False, lambda _: True, "true or false"),
        message_limit=convert("GUESTLIST_MESSAGE_LIMIT", int, 4000, lambda n: 0 < n <= 16000, "from 1 to 16000"),
        mail_pace=rate("GUESTLIST_MAILS_PER_MINUTE", 30, burst=10),
        invite_pace=rate("GUESTLIST_INVITATIONS_PER_MINUTE", 600, burst=100),
        timing=Timing(
            work_lease=length("GUESTLIST_WORK_LEASE", defaults.work_lease),
            claim=length("GUESTLIST_CLAIM_LEASE", defaults.claim),
            doubt_window=length("GUESTLIST_REPLICATION_WINDOW", defaults.doubt_window),
            join_window=length("GUESTLIST_JOIN_WINDOW", defaults.join_window),
            stall_timeout=length("GUESTLIST_STALL_TIMEOUT", defaults.stall_timeout),
            probe_interval=length("GUESTLIST_PROBE_INTERVAL", defaults.probe_interval),
            key_lease=length("GUESTLIST_KEY_LEASE", defaults.key_lease),
            key_retention=length("GUESTLIST_KEY_RETENTION", defaults.key_retention),
        ),
        imports=ImportSettings(
            pace=replace(import_pace, burst=import_burst),
            per_tenant=DayLimit(first_day, count("GUESTLIST_IMPORT_GUESTS_PER_DAY", imports.per_tenant.most)),
            per_inviter=DayLimit(
                first_day, count("GUESTLIST_IMPORT_GUESTS_PER_DAY_AND_INVITER", imports.per_inviter.most)
            ),
            per_group=DayLimit(per_group, per_group),
            horizon=length("GUESTLIST_IMPORT_HORIZON", imports.horizon),
            units_per_second=convert(
                "GUESTLIST_IMPORT_UNITS_PER_SECOND",
                int,
                imports.units_per_second,
                lambda n: n > 0,
                "a whole number of resource units a second",
            ),
            undo_window=length("GUESTLIST_UNDO_WINDOW", imports.undo_window),
        ),
        budgets=Budgets(
            per_inviter=evenly("GUESTLIST_INVITATIONS_PER_DAY_AND_INVITER", day.per_inviter),
            per_group=DayLimit(per_group, per_group),
            per_tenant=evenly("GUESTLIST_INVITATIONS_PER_DAY", day.per_tenant),
        ),
        requests=RequestSettings(
            public_url=public_url if text("GUESTLIST_PUBLIC_URL") or host_name else None,
            proof_retention=length("GUESTLIST_REQUEST_PROOF_RETENTION", requests.proof_retention),
            kept=length("GUESTLIST_REQUEST_RETENTION", requests.kept),
            per_address=limit("GUESTLIST_REQUESTS_PER_DAY_AND_ADDRESS", requests.per_address),
            per_mailbox=limit("GUESTLIST_REQUESTS_PER_DAY_AND_MAILBOX", requests.per_mailbox),
            per_source=limit("GUESTLIST_REQUESTS_PER_HOUR_AND_SOURCE", requests.per_source),
            per_source_in_day=limit("GUESTLIST_REQUESTS_PER_DAY_AND_SOURCE", requests.per_source_in_day),
            per_domain=limit("GUESTLIST_REQUESTS_PER_DAY_AND_DOMAIN", requests.per_domain),
            per_tenant=limit("GUESTLIST_REQUESTS_PER_DAY", requests.per_tenant),
            per_group=limit("GUESTLIST_REQUESTS_PER_HOUR_AND_GROUP", requests.per_group),
            admitted=limit("GUESTLIST_REQUESTS_ADMITTED_PER_DAY", requests.admitted),
            digest_every=length("GUESTLIST_REQUEST_DIGEST_EVERY", requests.digest_every),
            ended_retention=length("GUESTLIST_REQUEST_ENDED_RETENTION", requests.ended_retention),
            trusted_proxies=convert(
                "GUESTLIST_TRUSTED_PROXIES", int, requests.trusted_proxies, lambda n: 0 < n <= 10, "from 1 to 10"
            ),
        ),
        audits=AuditSettings(
            redeem_within=length("GUESTLIST_REDEEM_WITHIN", audits.redeem_within),
            sign_in_within=length("GUESTLIST_SIGN_IN_WITHIN", audits.sign_in_within),
            settling=length("GUESTLIST_AUDIT_GRACE_PERIOD", audits.settling),
            stuck_after=length("GUESTLIST_STUCK_AFTER", audits.stuck_after),
            kept=length("GUESTLIST_AUDIT_RETENTION", audits.kept),
        ),
        features=features,
        chain_timeout=length("GUESTLIST_CHAIN_TIMEOUT", timedelta(minutes=3)),
        protected_apps=frozenset(AppId(p.lower()) for p in (*protected, *own, *identities) if p),
        worker=worker,
        setup_identity_client_id=text("GUESTLIST_SETUP_IDENTITY_CLIENT_ID"),
        invite_to=convert("GUESTLIST_INVITE_TO", InviteTo, InviteTo.SET_UP, lambda _: True, "set-up or owned"),
        clients=frozenset(AppId(c.removeprefix("api://").lower()) for c in (*clients, *own) if c),
        guest_callers=convert("GUESTLIST_GUEST_CALLERS", bool, False, lambda _: True, "true or false"),
        renamed=renamed,
    )
    if settings.mail_mailbox and settings.acs_endpoint:
        faults.append("GUESTLIST_MAIL_MAILBOX and GUESTLIST_ACS_ENDPOINT exclude each other: set one")
    if bool(settings.acs_endpoint) != bool(settings.acs_sender):
        faults.append("GUESTLIST_ACS_ENDPOINT and GUESTLIST_ACS_SENDER go together")
    if settings.timing.key_retention < timedelta(hours=24):
        faults.append("GUESTLIST_KEY_RETENTION must be PT24H or longer")
    if faults:
        raise SettingsError([*faults, *renamed])
    return settings
