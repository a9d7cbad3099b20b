"""What runs in these tests is the deployment package, and nothing of this environment beside it."""

import sys
from pathlib import Path

import pytest

from build_tools.paths import BUILD, PACKAGE
from tests.integration.conftest import Tenant


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
def test_every_library_of_the_running_app_is_the_packages_own(tenant: Tenant) -> None:
    assert tenant.stack.app == PACKAGE, "start the tests with 'python3 dev.py test'"
    tenant.end_of(tenant.invite("packed@fabrikam.com"))

    loaded = {
        Path(line.split(maxsplit=5)[5].strip())
        for pid in tenant.stack.worker_pids()
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines()
        if ".so" in line
    }
    # uvloop is of Azure's worker, whatever the package brings.
    modules = {path for path in loaded if "site-packages" in path.parts and "uvloop" not in path.parts}

    assert {path.name.partition(".")[0] for path in modules} >= {"_http_parser", "_core", "_multidict"}
    assert not [str(path) for path in modules if not path.is_relative_to(PACKAGE)]
    assert not [str(path) for path in loaded if path.is_relative_to(BUILD) and not path.is_relative_to(PACKAGE)]
