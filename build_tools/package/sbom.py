"""The bill of materials of the package: which packages it holds, and those that the portal was built from.

CycloneDX 1.6 as JSON, by OWASP's own library. It says nothing of when or where it was made: the same package gives
the same bytes.

A Python package is listed with the digest of the wheel that it was taken from, an npm package with that of
`portal/package-lock.json`. The portal's packages are bundled by the build; those that only build it are listed with
the scope `excluded`, as CycloneDX calls what is not part of the result.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import json
import re
import tomllib
import uuid
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from build_tools.package import wheels
from build_tools.paths import BUILD, ROOT

FILE = BUILD / "sbom.cdx.json"
_LOCK = ROOT / "portal" / "package-lock.json"
_NAMESPACE = uuid.UUID("6f0f1d0a-6a0f-5a57-9c46-3a7c9d4b1c55")
"""What the serial number is reckoned with from the content: one content, one number."""


def write(site_packages: Path, target: Path = FILE) -> Path:
    """The bill of what lies in `site_packages` and of the portal's packages; gives `target`."""
    bom = Bom(serial_number=uuid.UUID(int=0))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    bom.metadata.component = Component(
        name=project["name"], version=project["version"], type=ComponentType.APPLICATION, bom_ref=project["name"]
    )
    for component in (*_python(site_packages), *_npm()):
        bom.components.add(component)
        bom.register_dependency(bom.metadata.component, [component])
    text = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string()
    document: dict[str, Any] = json.loads(text)
    del document["metadata"]["timestamp"]
    document["serialNumber"] = f"urn:uuid:{uuid.uuid5(_NAMESPACE, json.dumps(document, sort_keys=True))}"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return target


def _python(site_packages: Path) -> Iterator[Component]:
    taken_from = {_normal(wheel.name.split("-")[0]): wheel for wheel in wheels.fetch()}
    for found in importlib.metadata.distributions(path=[str(site_packages)]):
        name = _normal(found.metadata["Name"])
        digest = hashlib.sha256(taken_from[name].read_bytes()).hexdigest()
        yield _component("pypi", name, found.version, HashType(alg=HashAlgorithm.SHA_256, content=digest))


def _npm() -> Iterator[Component]:
    packages = json.loads(_LOCK.read_text(encoding="utf-8"))["packages"]
    for path, entry in packages.items():
        if not path:
            continue  # the portal itself
        algorithm, _, digest = entry["integrity"].partition("-")
        assert algorithm == "sha512", path  # noqa: S101 - the one that npm writes
        content = base64.b64decode(digest).hex()
        name = PurePosixPath(path.rpartition("node_modules/")[2])
        yield _component(
            *("npm", str(name), entry["version"], HashType(alg=HashAlgorithm.SHA_512, content=content)),
            scope=ComponentScope.EXCLUDED if entry.get("dev") else ComponentScope.REQUIRED,
        )


def _component(
    kind: str, name: str, version: str, digest: HashType, scope: ComponentScope = ComponentScope.REQUIRED
) -> Component:
    group, _, plain = name.rpartition("/")
    url = PackageURL(type=kind, namespace=group or None, name=plain, version=version)
    return Component(
        name=plain,
        group=group or None,
        version=version,
        type=ComponentType.LIBRARY,
        purl=url,
        bom_ref=url.to_string(),
        hashes=[digest],
        scope=scope,
    )


def _normal(name: str) -> str:
    """Source: PyPA, "Names and normalization"."""
    return re.sub(r"[-_.]+", "-", name).lower()
