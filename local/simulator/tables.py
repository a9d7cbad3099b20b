"""What is data about Graph (``tables.json``): read once, never changed."""

import json
from pathlib import Path
from typing import Any, Final

TABLES: Final[dict[str, Any]] = json.loads(Path(__file__).with_name("tables.json").read_text(encoding="utf-8"))
