"""A guest accepts. In the cloud a person does this in a browser; here the control plane does (graph contract "New
guests")."""

from ...audits import Actor, user_target
from ...clock import stamp
from ...directory.objects import DirectoryObject
from ...invited import InvitedGuest
from ...world import World


class CannotRedeem(Exception):
    """The ticket or the guest is not good for a redemption; the text says why."""


def redeem(world: World, *, redeem_url: str | None = None, user_id: str | None = None) -> DirectoryObject:
    """The guest has accepted, by a ticket or without one. A repeat changes nothing. Raises CannotRedeem: unknown
    ticket or guest, a ticket broken by a newer one (switch), a blocked domain."""
    if redeem_url is not None:
        guest = world.invited.owner_of(redeem_url)
        if guest is None:
            raise CannotRedeem("no such ticket")
        if _is_broken(world, guest, redeem_url):
            raise CannotRedeem("a newer ticket replaced this one")
        user_id = guest.user_id
    user = world.directory.users.get(user_id or "")
    if user is None or user.get("externalUserState") is None:
        raise CannotRedeem("no such guest")
    if user.get("externalUserState") == "Accepted":
        return user
    domain = str(user.get("mail") or "").rpartition("@")[2].lower()
    if domain in {name.lower() for name in world.settings.policies.blocked_domains}:
        raise CannotRedeem("pending guests of a blocked domain cannot redeem")
    world.directory.change(user, {"externalUserState": "Accepted", "externalUserStateChangeDateTime": stamp()})
    world.audits.write(
        "Redeem external user invite",
        by=Actor(user_id=user.id, user_name=user.get("userPrincipalName"), name=user.get("displayName")),
        target=user_target(user),
        service="Invited Users",
        operation="Update",
    )
    return user


def _is_broken(world: World, guest: InvitedGuest, redeem_url: str) -> bool:
    return world.settings.invitations.newer_ticket_breaks_older and redeem_url != guest.redeem_urls[-1]
