"""The function app: registers blueprints, nothing else."""

import azure.functions as func

from functions import health, invitations, mails, memberships, poison, problems, sweeper

app = func.FunctionApp()
for module in (invitations, memberships, mails, poison, sweeper, problems, health):
    app.register_functions(module.bp)
