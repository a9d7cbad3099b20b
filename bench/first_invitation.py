"""The first invitation after a cold start: our way through the SDK's adapter, against the SDK's own client.

Counted from the moment nothing of Graph is loaded to the directory's answer to the first ``POST /invitations``. The
libraries that both ways need beside it (credential, HTTP) are loaded before: they are the bare process.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.rows import Row

ROOT = Path(__file__).resolve().parents[1]
FILES = ("shared/graph/session.py", "shared/graph/invitations.py")
AREA = ("shared/graph",)
RUNS = 5
GOAL_S, GOAL_MB = 0.5, 60

_FRAME = """
import asyncio, gc, json, os, sys, time
import azure.functions, azure.identity.aio, httpx, aiohttp, msgspec
from azure.identity.aio import ManagedIdentityCredential

def memory_mb():
    gc.collect()
    with open('/proc/self/statm') as f:
        return int(f.read().split()[1]) * os.sysconf('SC_PAGE_SIZE') / 2**20

address, url = sys.argv[1], sys.argv[2]

async def main():
    async with ManagedIdentityCredential() as credential:
        await credential.get_token('https://graph.microsoft.com/.default')
        before, start = memory_mb(), time.perf_counter()
        await invite(credential)
        seconds = time.perf_counter() - start
        print(json.dumps([seconds, memory_mb() - before]))
"""
_OURS = """
async def invite(credential):
    from shared.graph.directory import GraphDirectory
    from shared.graph.session import GraphSession
    from shared.core.addresses import parse_address
    from shared.core.results import Invited
    from shared.graph.ports import GuestToInvite
    session = GraphSession(base_url=url, credential=credential)
    guest = GuestToInvite(parse_address(address), None, 'https://myapps.microsoft.com', True, None)
    [answer] = await GraphDirectory(session).invite([guest])
    assert isinstance(answer, Invited), answer
"""
_SDK = """
async def invite(credential):
    from msgraph import GraphServiceClient
    from msgraph.generated.models.invitation import Invitation
    client = GraphServiceClient(credential, scopes=['https://graph.microsoft.com/.default'])
    client.request_adapter.base_url = url
    answer = await client.invitations.post(Invitation(invited_user_email_address=address,
        invite_redirect_url='https://myapps.microsoft.com', send_invitation_message=True))
    assert answer.invited_user.id
"""


def run() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder) / "ready.json"
        arguments = ["-m", "local.simulator", "--port", "0", "--ready-file", str(ready)]
        simulator = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            base = _wait(ready)
            ours, sdk = [], []
            for n in range(RUNS):
                ours.append(_measure(_OURS, f"ours{n}@fabrikam.com", base))
                sdk.append(_measure(_SDK, f"sdk{n}@fabrikam.com", base))
        finally:
            simulator.terminate()
            simulator.wait(20)
    rows = []
    for index, unit, goal in ((0, "s", GOAL_S), (1, "MB", GOAL_MB)):
        value, against = min(m[index] for m in ours), min(m[index] for m in sdk)
        what = "time to the first invitation" if index == 0 else "memory of the first invitation"
        note = f"best of {RUNS}, over a process with credential and HTTP libraries; against GraphServiceClient"
        rows.append(Row(what, value, unit, against, value / against, f"<= {goal} {unit}", value <= goal, note))
    return rows


def _measure(way: str, address: str, base: str) -> tuple[float, float]:
    env = os.environ | {"IDENTITY_ENDPOINT": f"{base}/msi/token", "IDENTITY_HEADER": "dev-identity-header"}
    done = subprocess.run(  # noqa: S603 - our own programs
        [sys.executable, "-c", f"{_FRAME}\n{way}\nasyncio.run(main())", address, f"{base}/v1.0"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, megabytes = json.loads(done.stdout)
    return float(seconds), float(megabytes)


def _wait(ready: Path) -> str:
    for _ in range(300):
        if ready.exists():
            return str(json.loads(ready.read_text())["url"])
        time.sleep(0.1)
    raise TimeoutError("the simulator does not serve")
