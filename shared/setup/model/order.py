"""The steps of a setup and what each waits for: the one place that says so. ``docs/setup.md`` is drawn from it."""

from collections.abc import Collection
from dataclasses import dataclass

from shared.messages.commands import SetupStep


@dataclass(frozen=True, slots=True)
class StepFacts:
    """`title` in a person's words, `after` the steps that must be done before, `article` the part of Microsoft's
    page that the step fulfils ("How users in your organization can invite guest users to an app")."""

    title: str
    article: str
    after: frozenset[SetupStep] = frozenset()


ORDER: dict[SetupStep, StepFacts] = {
    SetupStep.SELF_SERVICE_GROUPS: StepFacts(
        "Owners can manage group membership requests in the Access Panel",
        "Enable self-service group management for your tenant",
    ),
    # The group's key is made of the app's id, so that two setups of one app meet in one group.
    SetupStep.GROUP: StepFacts(
        "A security group with assigned membership",
        "Create a group to assign to the app (steps 2 to 7)",
        frozenset({SetupStep.APPLICATION}),
    ),
    SetupStep.OWNERS: StepFacts(
        "The responsible people own the group",
        "Make the user an owner (steps 8 and 9)",
        frozenset({SetupStep.GROUP}),
    ),
    SetupStep.APPLICATION: StepFacts(
        "The enterprise application",
        "Find and open the app (steps 2 and 3)",
    ),
    SetupStep.SINGLE_SIGN_ON: StepFacts(
        "Single sign-on",
        "Configure the application for single sign-on (step 4)",
        frozenset({SetupStep.APPLICATION}),
    ),
    # Approvers are the owners where nobody else is named.
    SetupStep.SELF_SERVICE_ACCESS: StepFacts(
        "Self-service access through the group",
        "Set up self-service app access (step 5)",
        frozenset({SetupStep.OWNERS}),
    ),
    SetupStep.GROUP_ASSIGNMENT: StepFacts(
        "The group is assigned to the app",
        "The self-service group appears under Users and groups (step 6)",
        frozenset({SetupStep.GROUP}),
    ),
    SetupStep.OWNER_ASSIGNMENT: StepFacts(
        "The owners are assigned to the app",
        "Add the app to the group owner's Access Panel (step 7)",
        frozenset({SetupStep.OWNERS}),
    ),
    SetupStep.VERIFY: StepFacts(
        "Everything is read back and compared",
        "Verify (step 6 and the page as a whole)",
        frozenset(
            {
                SetupStep.SELF_SERVICE_GROUPS,
                SetupStep.SINGLE_SIGN_ON,
                SetupStep.SELF_SERVICE_ACCESS,
                SetupStep.GROUP_ASSIGNMENT,
                SetupStep.OWNER_ASSIGNMENT,
            }
        ),
    ),
}


def ready(done: Collection[SetupStep]) -> list[SetupStep]:
    """The steps that are not done and wait for none that is not."""
    return [step for step, facts in ORDER.items() if step not in done and facts.after <= set(done)]


def sorted_by_need() -> list[SetupStep]:
    """All steps, each after those it waits for."""
    found: list[SetupStep] = []
    while len(found) < len(ORDER):
        found += ready(found)
    return found
