"""Development only: what stands in for Azure and Entra on one machine.

Never deployed, never imported by the app.
"""
