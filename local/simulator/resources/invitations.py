"""``POST /invitations``: the checks in order, the guest that is made or found, the ticket, Microsoft's own mail
(graph contract "Invitations"). There is no other operation: an invitation cannot be read back."""

import secrets
import uuid
from typing import Any

from ..audits import user_target
from ..call import Answer, Call, Caller, Json
from ..clock import stamp
from ..errors import GraphError, bad_request, check_required, invite_denied, not_found, not_unique
from ..invited import InvitedGuest
from ..objects import DirectoryObject
from ..observations import Mail
from ..odata.shapes import checked_body
from ..routing import Route
from ..world import World
from . import invite_policy as policy
from . import permissions as may
from .lookup import referenced, security_identifier

_SENDER = "invites@microsoft.com"


def invite(call: Call) -> Answer:
    """Make or find the guest and give out a new ticket.

    A repeat for the same address is a success that gives another ticket and says nothing of the first. Raises
    GraphError: one of the refusals of graph contract "Invitations".
    """
    world, body, caller = call.world, call.json(), call.who
    policy.check_caller(world, caller)
    wanted = _checked(world, body)
    address: str = wanted["invitedUserEmailAddress"]
    if wanted.get("invitedUserType") == "Member":
        policy.check_member_type(world, caller)
    policy.check_address(address, world.settings.invitations)
    named = _named_user(world, body, wanted, caller)
    policy.check_domain(world, address)
    if named is None:
        _check_taken(world, address)
    sponsors = _sponsors(world, body)
    if named is not None:
        user, status, activity = _reset_or_convert(world, named, address, wanted)
    else:
        user, status, activity = _make_or_find(world, address, wanted)
    for sponsor in sponsors:
        world.directory.sponsors.add(user.id, sponsor.id)
    policy.count(world)
    guest = world.invited.guest(user.id, address)
    url = world.invited.ticket(guest, tenant_id=world.directory.tenant.id)
    shown = _shown(user, wanted, url, status)
    if wanted.get("sendInvitationMessage"):
        _send_mail(world, guest, shown, caller)
    world.audits.write(
        activity,
        by=call.actor,
        target=user_target(user),
        service="Invited Users",
        operation="Add",
        details={"InvitedUserEmailAddress": address, "InvitationId": shown["id"]},
    )
    return Answer(
        201,
        {"@odata.context": f"{call.base_url}/$metadata#invitations/$entity", **shown},
        headers={"Location": f"{call.base_url}/invitations/{shown['id']}"},
    )


def _checked(world: World, body: Json) -> Json:
    """The fields of the request, with defaults."""
    wanted = checked_body(world.settings.odata, "invitation", body)
    check_required(wanted, "Invitation", "invitedUserEmailAddress", "inviteRedirectUrl", code="BadRequest")
    if wanted.get("invitedUserType") not in {None, "Guest", "Member"}:
        raise bad_request("Invalid value specified for property 'invitedUserType'.", "BadRequest")
    message: Json = wanted.get("invitedUserMessageInfo") or {}
    unknown = message.keys() - {"@odata.type", "ccRecipients", "customizedMessageBody", "messageLanguage"}
    if unknown and world.settings.odata.reject_unknown_properties:
        raise bad_request(f"Invalid property '{sorted(unknown)[0]}'.", "BadRequest")
    if len(message.get("ccRecipients") or []) > 1:
        raise bad_request("Only one cc recipient is supported.", "BadRequest")
    longest, text = world.settings.invitations.max_message_length, message.get("customizedMessageBody") or ""
    if longest is not None and len(text) > longest:
        raise bad_request("The customized message body is too long.", "BadRequest")
    return wanted


def _named_user(world: World, body: Json, wanted: Json, caller: Caller) -> DirectoryObject | None:
    """The user of ``invitedUser.id``: for a reset of the redemption, or an internal user to be converted."""
    id_ = (body.get("invitedUser") or {}).get("id")
    if not wanted.get("resetRedemption"):
        if id_ is None:
            return None
        if not world.settings.invitations.internal_conversion:
            raise bad_request("Property 'invitedUser' is read-only and cannot be set.", "BadRequest")
    elif id_ is None:
        raise bad_request("The id of the invited user is required to reset the redemption.", "BadRequest")
    elif caller.is_app and not world.settings.invitations.app_only_reset:
        raise invite_denied(world.directory.tenant.id)
    user = world.directory.users.get(str(id_))
    if user is None:
        raise not_found(str(id_))
    return user


def _check_taken(world: World, address: str) -> None:
    """Raises GraphError: the address is one of the tenant's own (user, domain or group)."""
    directory = world.directory
    proxy = f"smtp:{address}"
    if directory.groups.having("mail", address) or directory.groups.having("proxyAddresses", proxy):
        raise bad_request("Group email address is not supported", "BadRequest")
    in_verified = policy.domain_of(address) in {name.lower() for name in world.verified_domains}
    internal = [user for user in _holders(world, address) if not _is_guest(user)]
    if internal and not (in_verified and world.settings.invitations.verified_domain_first):
        raise _already_exists(internal[0])
    if in_verified:
        raise bad_request(
            "This user cannot be invited because the domain of the user's email address is a verified "
            "domain of this directory.",
            "BadRequest",
        )
    if address.lower() in directory.contacts and world.settings.invitations.contact_conflict == "refuse":
        raise bad_request(world.settings.invitations.contact_conflict_message, "BadRequest")


def _already_exists(user: DirectoryObject) -> GraphError:
    opening = f"The invited user already exists in the directory as object ID: {user.id}"
    if user.get("accountEnabled") is False:
        rest = (
            ", but the account is blocked from signing in. If the account is unblocked, they can use that "
            "account to sign in to shared apps and resources."
        )
    else:
        rest = ". They can use that account to sign in to shared apps and resources."
    return bad_request(opening + rest, "BadRequest")


def _holders(world: World, address: str) -> list[DirectoryObject]:
    """The users whose mail, proxy address or user principal name is the address."""
    users = world.directory.users
    found = [
        *users.having("mail", address),
        *users.having("proxyAddresses", f"smtp:{address}"),
        *users.having("userPrincipalName", address),
    ]
    return list({user.id: user for user in found}.values())


def _is_guest(user: DirectoryObject) -> bool:
    return bool(user.get("userType") == "Guest" or user.get("creationType") == "Invitation")


def _make_or_find(world: World, address: str, wanted: Json) -> tuple[DirectoryObject, str, str]:
    """(guest, invitation status, audit activity)."""
    rules = world.settings.invitations
    guests = [user for user in _holders(world, address) if _is_guest(user)]
    if guests:
        guest = guests[0]
        name = wanted.get("invitedUserDisplayName")
        if name and rules.update_display_name:
            world.directory.change(guest, {"displayName": name})
        is_accepted = guest.get("externalUserState") == "Accepted"
        return guest, rules.accepted_status if is_accepted else rules.new_status, "Invite external user"
    world.forget_expired()
    for gone in world.directory.deleted.values():
        if gone.object.kind == "user" and str(gone.object.get("mail") or "").lower() == address.lower():
            if rules.soft_deleted == "refuse":
                raise bad_request("A deleted user with this address exists.", "BadRequest")
            if rules.soft_deleted == "restore":
                return world.directory.restore(gone), rules.new_status, "Invite external user"
    guest = world.directory.create("user", _new_guest(world, address, wanted))
    world.new.announce(guest.id)
    return guest, rules.new_status, "Invite external user"


def _new_guest(world: World, address: str, wanted: Json) -> Json:
    """graph contract "Invitations", "Created user": enabled at once, named on the initial domain."""
    created = stamp()
    has_contact = address.lower() in world.directory.contacts
    return {
        "accountEnabled": True,
        "createdDateTime": created,
        "creationType": "Invitation",
        "displayName": wanted.get("invitedUserDisplayName") or address.partition("@")[0],
        "externalUserState": "PendingAcceptance",
        "externalUserStateChangeDateTime": created,
        "mail": address,
        "mailNickname": address.replace("@", "_") + "#EXT#",
        "otherMails": [address] if world.settings.invitations.other_mails else [],
        "proxyAddresses": [] if has_contact else [f"SMTP:{address}"],
        "securityIdentifier": security_identifier(),
        "userPrincipalName": _principal_name(world, address),
        "userType": wanted.get("invitedUserType") or "Guest",
    }


def _principal_name(world: World, address: str) -> str:
    base, domain = address.replace("@", "_"), world.directory.tenant.initial_domain
    name = f"{base}#EXT#@{domain}"
    while world.directory.users.having("userPrincipalName", name):
        name = f"{base}{secrets.randbelow(10_000)}#EXT#@{domain}"
    return name


def _reset_or_convert(
    world: World, user: DirectoryObject, address: str, wanted: Json
) -> tuple[DirectoryObject, str, str]:
    """The object id stays, with memberships and assignments; the sign-in address becomes the new one."""
    state = {"externalUserState": "PendingAcceptance", "externalUserStateChangeDateTime": stamp()}
    if not wanted.get("resetRedemption"):
        world.directory.change(user, state)
        return user, world.settings.invitations.new_status, "Invite internal user to B2B collaboration"
    if any(other is not user for other in _holders(world, address)):
        raise not_unique("proxyAddresses", "BadRequest")
    changed: dict[str, Any] = {**state, "mail": address, "proxyAddresses": [f"SMTP:{address}"]}
    if world.settings.invitations.other_mails:
        changed["otherMails"] = [address]
    world.directory.change(user, changed)
    activity = "Invite external user with reset invitation status"
    return user, world.settings.invitations.new_status, activity


def _sponsors(world: World, body: Json) -> list[DirectoryObject]:
    """Bound or embedded; which of the two forms Graph takes is UNVERIFIED, so both are."""
    references = body.get("invitedUserSponsors@odata.bind")
    if references is None:
        embedded = body.get("invitedUserSponsors") or []
        references = [f"https://graph.microsoft.com/v1.0/directoryObjects/{s.get('id')}" for s in embedded]
    if not isinstance(references, list):
        raise bad_request("Invalid value specified for property 'invitedUserSponsors'.", "BadRequest")
    return [referenced(world, reference) for reference in references]


def _shown(user: DirectoryObject, wanted: Json, url: str, status: str) -> Json:
    message: Json = wanted.get("invitedUserMessageInfo") or {}
    copies = message.get("ccRecipients") or [{"emailAddress": {"name": None, "address": None}}]
    return {
        "id": str(uuid.uuid4()),
        "inviteRedeemUrl": url,
        "invitedUserDisplayName": wanted.get("invitedUserDisplayName"),
        "invitedUserType": wanted.get("invitedUserType") or "Guest",
        "invitedUserEmailAddress": wanted["invitedUserEmailAddress"],
        "sendInvitationMessage": wanted.get("sendInvitationMessage") or False,
        "resetRedemption": wanted.get("resetRedemption") or False,
        "inviteRedirectUrl": wanted["inviteRedirectUrl"],
        "status": status,
        "invitedUserMessageInfo": {
            "messageLanguage": message.get("messageLanguage"),
            "customizedMessageBody": message.get("customizedMessageBody"),
            "ccRecipients": copies,
        },
        "invitedUser": {"id": user.id},
    }


def _send_mail(world: World, guest: InvitedGuest, shown: Json, caller: Caller) -> None:
    """Microsoft's own mail. A custom body is dropped when an app invites or the inviter has no mailbox (graph
    contract "Invitations")."""
    message, tenant = shown["invitedUserMessageInfo"], world.directory.tenant
    has_mailbox = not caller.is_app and caller.object_id.lower() in world.directory.mailboxes
    own_words = message["customizedMessageBody"] if has_mailbox else None
    copies = [c["emailAddress"]["address"] for c in message["ccRecipients"] if c["emailAddress"]["address"]]
    guest.mails += 1
    guest.tickets_mailed = len(guest.redeem_urls)
    parts = [f"You have been invited to access applications in {tenant.display_name}."]
    if own_words:
        parts.append(own_words)
    parts.append(f"Accept invitation: {shown['inviteRedeemUrl']}")
    world.observations.mails.append(
        Mail(
            kind="invitation",
            sender=_SENDER,
            to=[shown["invitedUserEmailAddress"], *copies],
            subject=f"{tenant.display_name} invited you to access applications within their organization",
            body="\n\n".join(parts),
            content_type="text",
            sent=stamp(),
            invitation_id=shown["id"],
            redeem_url=shown["inviteRedeemUrl"],
        )
    )


ROUTES: tuple[Route, ...] = (
    Route(
        "POST",
        "/invitations",
        invite,
        may.INVITE,
        refusal=lambda call: invite_denied(call.world.directory.tenant.id),
    ),
)
