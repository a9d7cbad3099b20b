"""Invitations: the rules of who may be invited, the guest that comes of it, the redemption."""
