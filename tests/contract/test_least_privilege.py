"""Each feature does all of its work under exactly the permissions that its table names, and not with one less."""

import pytest
from azure.data.tables.aio import TableServiceClient

from shared.core.features import PERMISSIONS, Feature, needed_by
from shared.graph.session import GraphSession
from tests.contract.feature_flows import FLOWS, Parts, exactly, run
from tests.contract.simulated_tenant import SimulatedTenant

EACH = [(f, p) for f in Feature for p in needed_by(f)]


@pytest.mark.parametrize("feature", Feature)
async def test_a_feature_needs_no_more_than_its_permissions(
    tenant: SimulatedTenant, session: GraphSession, tables: TableServiceClient, feature: Feature
) -> None:
    assert await run(feature, Parts(tenant, session, tables, exactly(feature))) == []


@pytest.mark.parametrize(("feature", "permission"), EACH, ids=[f"{f.value}-{p.name}" for f, p in EACH])
async def test_a_feature_needs_each_of_its_permissions(
    tenant: SimulatedTenant, session: GraphSession, tables: TableServiceClient, feature: Feature, permission: object
) -> None:
    [missing] = [p for p in PERMISSIONS if p is permission]
    held = exactly(feature) - {missing.name, *missing.instead}

    refused = await run(feature, Parts(tenant, session, tables, held))

    assert refused, f"{feature.value} works without {missing.name}"
    assert any(name in line for line in refused for name in (missing.name, *missing.instead)), refused


def test_every_feature_has_its_flow() -> None:
    assert list(FLOWS) == list(Feature)
    assert len(EACH) == 28
