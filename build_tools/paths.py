"""Where things are in a working copy."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The app: `host.json` and `function_app.py` are here."""

BUILD = ROOT / "build"
"""Everything made on this machine; ignored by git."""

PACKAGE = BUILD / "package"
"""The deployment package, as `dev.py package` makes it."""
