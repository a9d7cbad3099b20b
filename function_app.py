"""The function app: registers blueprints, nothing else."""

import azure.functions as func

from functions import (
    apps,
    doctor,
    health,
    imports,
    invitations,
    mails,
    memberships,
    poison,
    problems,
    setups,
    sweeper,
)

app = func.FunctionApp()
for module in (invitations, memberships, mails, imports, setups, apps, doctor, poison, sweeper, problems, health):
    app.register_functions(module.bp)
