"""Development only: what makes the deployment package, checks its parts, and gets the programs for that.

Never deployed, never imported by the app. It knows nothing of the stand-ins in `local/`, which use it.
"""
