"""The function app: registers blueprints, nothing else."""

import azure.functions as func

from functions import (
    apps,
    audits,
    description,
    doctor,
    groups,
    health,
    imports,
    invitations,
    mails,
    memberships,
    pages,
    people,
    poison,
    portal,
    problems,
    requests,
    setups,
    sweeper,
)

app = func.FunctionApp()
for module in (
    invitations,
    memberships,
    mails,
    imports,
    groups,
    requests,
    setups,
    apps,
    audits,
    doctor,
    people,
    pages,
    portal,
    description,
    poison,
    sweeper,
    problems,
    health,
):
    app.register_functions(module.bp)
