"""Setups, and the apps that are set up; and a timer of setup's own worker, which answers no request."""

from typing import Annotated

import azure.functions as func

from functions.answers import Accepted, Tagged
from functions.arguments import Body, DryRun, Key, header
from functions.handlers import background
from functions.http import Routes
from shared import wiring
from shared.core.caller import Caller
from shared.core.ids import AppId, SetupId, UserId
from shared.core.reasons import Reason
from shared.http.openapi import OF_DIRECTORY, SIGNED_IN
from shared.http.schemas import BODY_LIMIT
from shared.membership import schemas as membership
from shared.membership.model.access import Action
from shared.membership.model.apps import MessageTemplate
from shared.messages.commands import SetupStep
from shared.setup.commands import Answers, NewSetup
from shared.setup.model import Setup
from shared.setup.schemas import bodies
from shared.setup.schemas import setups as schemas
from shared.wiring import App

route, of_apps = Routes("setups"), Routes("apps")
worker = func.Blueprint()
"""Only where setup has a worker of its own."""

EVERY_QUARTER = "0 */15 * * * *"

_ALL = "/api/setups"
_ONE = f"{_ALL}/{{setupId}}"
_APP = "/api/apps/{appId}"
_TEMPLATES = f"{_APP}/templates"
_DRY_RUN = header("If-Match", "The ETag of the dry run.", lambda given: given.strip().strip('"') or None)
_EXAMPLE = {
    "app": {"name": "Contoso Expenses"},
    "owners": ["olivia.owner@contoso.com"],
    "policy": {"requests": "approval", "blockedDomains": ["blocked.example"]},
}


@route(
    f"POST {_ALL}",
    Action.RUN_SETUP,
    *(Reason.FEATURE_OFF, Reason.NAME_INVALID, Reason.DIRECTORY_BUSY),
    body=Body(bodies.SetupBody, _EXAMPLE, bodies.decode_setup, most=BODY_LIMIT),
)
async def post_setup(
    app: App, caller: Caller, body: NewSetup, dry_run: DryRun, key: Key
) -> schemas.SetupDryRun | Accepted[schemas.SetupChecklist]:
    """Set an app up for guests, or say what it would do."""
    if dry_run:
        return schemas.dry_run(await app.setups.commands.dry_run(body.plan, caller))
    return _accepted(await app.setups.commands.start(body, caller, key))


@route(f"GET {_ALL}", Action.READ_SETUPS)
async def list_setups(app: App, caller: Caller) -> schemas.Setups:
    """All setups, the newest first."""
    return schemas.setups(await app.setups.commands.list_all(caller))


@route(f"GET {_ONE}", Action.READ_SETUPS)
async def get_setup(app: App, caller: Caller, setup: SetupId) -> schemas.SetupChecklist:
    """One setup as a checklist."""
    return schemas.setup(await app.setups.commands.show(setup, caller))


@route(
    f"POST {_ONE}/steps/{{step}}/confirm",
    Action.RUN_SETUP,
    *(Reason.FEATURE_OFF, Reason.STEP_NOT_MANUAL),
    body=Body(bodies.ConfirmBody, {"note": "done in the admin center"}, bodies.decode_note),
)
async def confirm_setup_step(
    app: App, caller: Caller, setup: SetupId, step: SetupStep, body: str | None
) -> schemas.SetupChecklist:
    """Say that a manual task is done."""
    return schemas.setup(await app.setups.commands.confirm(setup, step, caller, body))


@route(
    f"POST {_ONE}/retry",
    Action.RUN_SETUP,
    *(Reason.FEATURE_OFF, Reason.NOTHING_TO_RETRY),
    body=Body(bodies.RetryBody, {"appRole": "User"}, bodies.decode_answers),
)
async def retry_setup(app: App, caller: Caller, setup: SetupId, body: Answers) -> Accepted[schemas.SetupChecklist]:
    """Try failed steps again, with the answer to what they asked."""
    return _accepted(await app.setups.commands.retry(setup, caller, body))


def _accepted(setup: Setup) -> Accepted[schemas.SetupChecklist]:
    return Accepted(schemas.setup(setup), f"{_ALL}/{setup.id}")


@of_apps("GET /api/apps", SIGNED_IN, Reason.STORAGE_BUSY)
async def list_apps(app: App, caller: Caller) -> schemas.Apps:
    """Apps that are set up; to owners their own."""
    found = await app.setups.apps.list(caller)
    return schemas.Apps([schemas.app(record, app.settings.tenant_id) for record in found])


@of_apps(f"GET {_APP}", Action.READ_APP, Reason.APP_MISSING, Reason.STORAGE_BUSY)
async def get_app(app: App, caller: Caller, app_id: AppId) -> schemas.App:
    """One app that is set up."""
    return schemas.app(await app.setups.apps.one(app_id, caller), app.settings.tenant_id)


@of_apps(
    f"DELETE {_APP}",
    Action.RUN_SETUP,
    *(Reason.FEATURE_OFF, Reason.APP_MISSING, Reason.DRY_RUN_NEEDED, Reason.PLAN_CHANGED, Reason.DIRECTORY_BUSY),
)
async def delete_app(
    app: App, caller: Caller, app_id: AppId, dry_run: DryRun, tag: Annotated[str | None, _DRY_RUN]
) -> Tagged[schemas.AppRemoval] | Accepted[schemas.AppRemoving]:
    """Remove an app: what Guestlist made goes. The dry run's ETag is the If-Match of the real one."""
    if dry_run:
        found = await app.setups.apps.check_removal(app_id, caller)
        return Tagged(schemas.AppRemoval.of(found), found.tag)
    await app.setups.apps.remove(app_id, caller, tag)
    return Accepted(schemas.AppRemoving(app_id), f"/api/apps/{app_id}")


@of_apps(
    f"PUT {_APP}/inviters",
    Action.RUN_SETUP,
    *(Reason.APP_MISSING, Reason.APP_BEING_REMOVED),
    body=Body(schemas.Inviters, {"value": ["7c9e6679-7425-40de-944b-e07fc1f90ae7"]}, schemas.decode_inviters),
)
async def put_inviters(app: App, caller: Caller, app_id: AppId, body: list[UserId]) -> schemas.Inviters:
    """Name the apps with the app role Inviter that may invite into the group."""
    changed = await app.setups.apps.name_inviters(app_id, body, caller)
    return schemas.Inviters(list(changed.inviters))


@of_apps(f"GET {_TEMPLATES}", Action.READ_APP, *OF_DIRECTORY, Reason.APP_MISSING)
async def get_templates(app: App, caller: Caller, app_id: AppId) -> membership.Templates:
    """Welcome messages to start from."""
    return membership.templates(await app.portal.templates.show(app_id, caller))


@of_apps(
    f"PUT {_TEMPLATES}",
    Action.WRITE_TEMPLATES,
    *(*OF_DIRECTORY, Reason.NAME_INVALID, Reason.APP_MISSING, Reason.MESSAGE_TOO_LONG),
    body=Body(
        membership.Templates,
        {"value": [{"name": "Short", "text": "Welcome to {app}, {guest}!"}]},
        membership.decode_templates,
        most=BODY_LIMIT,
    ),
)
async def put_templates(app: App, caller: Caller, app_id: AppId, body: list[MessageTemplate]) -> membership.Templates:
    """Replace the welcome messages."""
    return membership.templates(await app.portal.templates.write(app_id, body, caller))


@worker.function_name("report_setup_worker")
@worker.timer_trigger(arg_name="timer", schedule=EVERY_QUARTER, run_on_startup=False)
@background
async def report_setup_worker(timer: func.TimerRequest) -> None:
    """Which permissions the identity of setup's worker holds."""
    await (await wiring.app()).report_setup_worker()
