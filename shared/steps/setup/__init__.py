"""The steps of a setup, a module each; `run_step` runs whichever a command names."""
