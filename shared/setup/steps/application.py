"""The enterprise application: found, or added from Microsoft's gallery."""

from shared.core.directory import Application, require_free
from shared.core.errors import DirectoryLagging, Refused
from shared.core.ids import AppId
from shared.core.reasons import Reason
from shared.membership.model.apps import AppState, Change, Kind
from shared.setup.model.records import Found, FoundApp, task_key
from shared.setup.run import Result, Work

_FIELD = "app"


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
    """The app made from the template, by this setup or before; None in a rehearsal that finds none."""
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
        id_of=str,
    )
    app = await directory.app_by_id(app_id)
    if app is None:
        raise DirectoryLagging("the directory does not show the new app yet")
    return app, (Change(Kind.APPLICATION, app_id, f"'{called}' added from the gallery"),) if made else ()
