"""The function app: registers blueprints, nothing else."""

import azure.functions as func

from functions.workers import blueprints

app = func.FunctionApp()
for bp in blueprints():
    app.register_functions(bp)
