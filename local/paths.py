"""What the sample tenant is made of."""

from build_tools.paths import ROOT

SAMPLE_TENANT = ROOT / "local" / "simulator" / "sample_tenant.json"
SAMPLES = ROOT / "samples"
