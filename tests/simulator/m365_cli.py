"""CLI for Microsoft 365, an npm package that others wrote, on the simulator and its issuer.

It talks to Microsoft's names over TLS: a certificate made here stands for them, and a few lines loaded into Node
connect those names to this machine.
"""

import asyncio
import json
import os
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from build_tools.node import Node, find_node, install
from local.simulator.__main__ import SAMPLE
from local.simulator.server import application
from local.simulator.simulator import Simulator

NAMES = ("graph.microsoft.com", "login.microsoftonline.com")
IDENTITY_HEADER = "header"
PACKAGE = Path(__file__).with_name("m365")
_SCRIPT = Path("node_modules", "@pnp", "cli-microsoft365", "dist", "index.js")
_SETTINGS = {
    "autoOpenLinksInBrowser": False,
    "disableTelemetry": True,
    "errorOutput": "stderr",
    "output": "json",
    "printErrorsAsPlainText": True,
    "prompt": False,
    "showHelpOnFailure": False,
}
_LONGEST_S = 120


@dataclass
class Printed:
    """What one command printed and how it ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.status == 0, self.err or self.out
        return json.loads(self.out)


@dataclass
class M365:
    """The command line with a home folder of its own: it remembers who signed in."""

    simulator: Simulator
    node: Node
    script: Path
    home: Path
    http_port: int
    tls_port: int

    def __call__(self, *arguments: str) -> Printed:
        environment = {
            "CLIMICROSOFT365_NOUPDATE": "1",
            "HOME": str(self.home),
            "NODE_COMPILE_CACHE": str(self.home / "compiled"),  # where Node knows it, later starts are quicker
            "IDENTITY_ENDPOINT": f"http://127.0.0.1:{self.http_port}/msi/token",
            "IDENTITY_HEADER": IDENTITY_HEADER,
            "NODE_EXTRA_CA_CERTS": str(self.home / "certificate.pem"),
            "NODE_OPTIONS": f"--require {json.dumps(str(PACKAGE / 'redirect.cjs'))}",
            "PATH": os.environ.get("PATH", ""),
            "SIMULATOR_TLS_PORT": str(self.tls_port),
            "XDG_CONFIG_HOME": str(self.home / "config"),
        }
        done = subprocess.run(
            [self.node.executable, self.script, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=_LONGEST_S,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        return Printed(done.returncode, done.stdout.strip(), done.stderr.strip())


@contextmanager
def m365_cli(home: Path) -> Iterator[M365]:
    """Raises NodeError where Node or the package cannot be had."""
    node = find_node()
    script = install(node, PACKAGE) / _SCRIPT
    store = home / "config" / "configstore" / "cli-m365-config.json"
    store.parent.mkdir(parents=True)
    store.write_text(json.dumps(_SETTINGS), encoding="utf-8")
    simulator = Simulator(json.loads(SAMPLE.read_text(encoding="utf-8")), identity_header=IDENTITY_HEADER)
    with _served(simulator, _certificate(home)) as (http_port, tls_port):
        yield M365(simulator, node, script, home, http_port, tls_port)


@contextmanager
def _served(simulator: Simulator, context: ssl.SSLContext) -> Iterator[tuple[int, int]]:
    """The simulator in a thread of its own, in plain and over TLS: the ports of both."""
    ports: list[int] = []
    ready, loop, stop = threading.Event(), asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        runner = web.AppRunner(application(simulator), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        for ssl_context in (None, context):
            await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=ssl_context).start()
        ports.extend(address[1] for address in runner.addresses)
        ready.set()
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), name="simulator", daemon=True)
    thread.start()
    assert ready.wait(30)
    try:
        yield ports[0], ports[1]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        loop.close()


def _certificate(folder: Path) -> ssl.SSLContext:
    """A certificate for the simulated names, good for a day; `certificate.pem` is what a client must trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "The simulator of these tests")])
    start = datetime.now(UTC) - timedelta(minutes=5)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in NAMES]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "certificate.pem", folder / "key.pem"
    public.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return context
