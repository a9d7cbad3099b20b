"""The enterprise application: found, or added from Microsoft's gallery. Its single sign-on: read, set where asked
for, and what only the app's vendor can do handed to a person."""

from datetime import timedelta

from shared.core import admin_center
from shared.core.checks import Check, CheckState
from shared.core.directory import CERTIFICATE_WARNING, Application, Certificate, Saml, require_free
from shared.core.errors import DirectoryLagging, Refused
from shared.core.ids import AppId
from shared.core.reasons import Reason
from shared.membership.model.apps import AppState, Change, Kind
from shared.setup.model import Found, FoundApp, ManualTask, task_key
from shared.setup.run import Result, Work

_FIELD = "app"
CERTIFICATE_LIFE = timedelta(days=3 * 365)
"""Of a new signing certificate: Microsoft's own default is three years."""


async def find_application(work: Work) -> Result:
    """Find the app that was named, or add it from its template, once."""
    spec = work.plan.app
    changes: tuple[Change, ...] = ()
    missing = f"No enterprise application is called '{spec.name}'"
    if spec.app_id is not None:
        app = await work.tools.directory.app_by_id(spec.app_id)
        missing = f"No enterprise application has the id {spec.app_id}"
    elif spec.template is not None:
        added = await _from_gallery(work, spec.template, spec.name)
        if added is None:
            return Result()
        app, changes = added
    else:
        app = await _by_name(work, spec.name or "")
    if app is None:
        raise Refused(Reason.APP_MISSING, missing, field=_FIELD)
    require_free(app, work.tools.protected)
    if not app.enabled:
        raise Refused(Reason.APP_DISABLED, f"'{app.name}' is not enabled for users to sign in", field=_FIELD)
    kept = await work.tools.store.read_app(app.app_id)
    if kept is not None and kept.value.state is AppState.REMOVING:
        raise Refused(Reason.APP_BEING_REMOVED, f"'{app.name}'", field=_FIELD)
    found = Found(app=FoundApp(app.app_id, app.name, app.service_principal))
    return Result(changes=changes, found=found, notes=(f"'{app.name}', app id {app.app_id}",))


async def _by_name(work: Work, name: str, template: str | None = None) -> Application | None:
    apps = await work.tools.directory.apps_by_name(name, template)
    if len(apps) > 1:
        ids = ", ".join(a.app_id for a in apps)
        raise Refused(Reason.APP_AMBIGUOUS, f"'{name}' is the name of the apps {ids}", field=_FIELD)
    return apps[0] if apps else None


async def _from_gallery(work: Work, named: str, name: str | None) -> tuple[Application, tuple[Change, ...]] | None:
    """The app made from the template, by this setup or before; None in a dry run that finds none."""
    directory = work.tools.directory
    templates = await directory.find_templates(named)
    if len(templates) != 1:
        many = f"{len(templates)} templates of the gallery are called '{named}': give the id of one"
        what = many if templates else f"The gallery has no template '{named}'"
        raise Refused(Reason.APP_TEMPLATE_MISSING, what, field=_FIELD)
    template = templates[0]
    called = name or template.name

    async def find() -> AppId | None:
        found = await _by_name(work, called, template.id)
        return found.app_id if found else None

    if work.dry:
        there = await _by_name(work, called, template.id)
        if there is None:
            work.would(f"add '{called}' from the gallery's template '{template.name}'")
        return (there, ()) if there else None
    app_id, made = await work.make_once(
        task_key("instantiate", template.id, called.casefold()),
        find=find,
        make=lambda: directory.instantiate(template, called),
    )
    app = await directory.app_by_id(app_id)
    if app is None:
        raise DirectoryLagging("the directory does not show the new app yet")
    return app, (Change(Kind.APPLICATION, app_id, f"'{called}' added from the gallery"),) if made else ()


async def set_single_sign_on(work: Work) -> Result:
    """Set SAML where it was asked for; else look at what is there."""
    if work.dry and work.found.app is None:
        work.would("set SAML up on the new app" if work.plan.saml else "look at the new app's single sign-on")
        return Result()
    if work.plan.saml is not None:
        return await _set_saml(work, work.plan.saml)
    app = await work.read_app()
    mode = _mode(app)
    if app.sign_on_mode == "saml":
        return Result(checks=(mode, *certificate_checks(work, app)))
    return Result(checks=(mode,), task=_choose_task(app) if mode.state is not CheckState.OK else None)


def certificate_checks(work: Work, app: Application) -> tuple[Check, ...]:
    """The certificate that signs the app's tokens. Raises Refused `certificate-expired`."""
    certificate = app.certificate(work.now)
    if certificate is None:
        return (Check("Signing certificate", CheckState.UNKNOWN, "the directory shows none"),)
    until = f"valid until {certificate.ends_at:%Y-%m-%d}"
    if certificate.ends_at <= work.now:
        raise Refused(Reason.CERTIFICATE_EXPIRED, f"'{app.name}': it ended on {certificate.ends_at:%Y-%m-%d}")
    if certificate.ends_at <= work.now + CERTIFICATE_WARNING:
        return (Check("Signing certificate", CheckState.ATTENTION, f"{until}: renew it soon"),)
    return (Check("Signing certificate", CheckState.OK, until),)


async def _set_saml(work: Work, saml: Saml) -> Result:
    app, directory = await work.read_app(), work.tools.directory
    changes: list[Change] = []
    differences = await directory.saml_differences(app, saml)
    ours = work.was_intended("saml")
    if not ours and app.is_in_use and not await _is_ours(work, app):
        raise Refused(Reason.APP_IN_USE, f"'{app.name}'", field="singleSignOn")
    if differences and not work.would(f"set SAML of '{app.name}': {'; '.join(differences)}"):
        await work.intend("saml")
        await directory.set_saml(app, saml)
        ours = True
    if ours:
        changes.append(Change(Kind.SINGLE_SIGN_ON, app.service_principal, f"SAML of '{app.name}' set"))
    if work.dry:
        if app.certificate(work.now) is None:
            work.would(f"make a signing certificate for '{app.name}'")
        return Result()
    certificate, made = await _certificate(work, app)
    if made:
        changes.append(Change(Kind.CERTIFICATE, certificate.thumbprint, f"certificate {certificate.thumbprint} made"))
    if app.active_thumbprint != certificate.thumbprint:
        await directory.use_certificate(app, certificate)
    checks = (Check("Single sign-on", CheckState.OK, "SAML"),)
    return Result(changes=tuple(changes), checks=checks, task=_vendor_task(work, app, certificate))


async def _is_ours(work: Work, app: Application) -> bool:
    """Guestlist added the app, or has set its single sign-on before."""
    kept = await work.tools.store.read_app(app.app_id)
    made = [*(c for r in work.setup.steps.values() for c in r.changes), *(kept.value.made if kept else ())]
    return any(
        (c.kind is Kind.APPLICATION and c.id == app.app_id)
        or (c.kind is Kind.SINGLE_SIGN_ON and c.id == app.service_principal)
        for c in made
    )


async def _certificate(work: Work, app: Application) -> tuple[Certificate, bool]:
    directory = work.tools.directory

    async def find() -> Certificate | None:
        again = await directory.app_by_id(app.app_id)
        found = again.certificate(work.now) if again else None
        return found if found is not None and found.ends_at > work.now else None

    return await work.make_once(
        task_key("certificate", app.app_id),
        find=find,
        make=lambda: directory.add_certificate(app, work.now + CERTIFICATE_LIFE),
        id_of=lambda c: c.thumbprint,
    )


def _mode(app: Application) -> Check:
    words = {"saml": "SAML", "password": "password-based", "oidc": "OpenID Connect"}
    if app.sign_on_mode in words:
        return Check("Single sign-on", CheckState.OK, words[app.sign_on_mode])
    if app.sign_on_mode is None and (app.reply_urls or app.login_url):
        # Null is common for apps that use OpenID Connect themselves (graph contract "App access").
        return Check("Single sign-on", CheckState.OK, "not set: the app signs people in with OpenID Connect itself")
    return Check("Single sign-on", CheckState.ATTENTION, "none is set up")


def _choose_task(app: Application) -> ManualTask:
    link = admin_center.single_sign_on(app.service_principal, app.app_id)
    return ManualTask(
        key=task_key("single-sign-on", app.app_id),
        title=f"Set single sign-on of '{app.name}' up",
        link=link,
        instructions=(
            "Sign in to the Microsoft Entra admin center as at least a Cloud Application Administrator.",
            f"Go to Identity › Applications › Enterprise applications, open '{app.name}', and under Manage select "
            "Single sign-on.",
            "Choose the way the app's vendor documents. For SAML, Guestlist can do it: start again with "
            "singleSignOn (--saml).",
        ),
    )


def _vendor_task(work: Work, app: Application, certificate: Certificate) -> ManualTask:
    """What the app's vendor has to enter on its side.

    Source: Microsoft Entra, SAML certificates and 'Set up' sections of an enterprise application.
    """
    base, tenant = work.tools.authority, work.tools.tenant_id
    metadata = f"{base}/{tenant}/federationmetadata/2007-06/federationmetadata.xml?appid={app.app_id}"
    return ManualTask(
        key=task_key("vendor", app.app_id, certificate.thumbprint),
        title=f"Hand the sign-in values to the vendor of '{app.name}'",
        link=admin_center.single_sign_on(app.service_principal, app.app_id),
        instructions=(
            "Enter these values in the app's own settings, or send them to its vendor.",
            "Then use Test on the Single sign-on page.",
        ),
        values=(
            ("Login URL", f"{base}/{tenant}/saml2"),
            ("Microsoft Entra Identifier", f"https://sts.windows.net/{tenant}/"),
            ("Logout URL", f"{base}/{tenant}/saml2"),
            ("App Federation Metadata Url", metadata),
            ("Certificate thumbprint", certificate.thumbprint),
        ),
    )
