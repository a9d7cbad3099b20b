"""Which mailbox an address leads to. For counting only: to the directory two ways of writing are two guests."""

from dataclasses import dataclass

from shared.core.addresses import Address


@dataclass(frozen=True, slots=True)
class Provider:
    """Who gives mailboxes to anybody. What follows a ``+`` names no other mailbox with any of them.

    The first of `domains` stands for all `same`; else a name in another domain is another person's. `ignored` are
    characters that make no difference, and with `subdomains` ``anything@name.domain`` is ``name@domain``.
    """

    domains: tuple[str, ...]
    same: bool = False
    ignored: str = ""
    subdomains: bool = False


PROVIDERS = (
    # Source: Gmail Help, "Dots don't matter in Gmail addresses" (7436150); "Use Gmail aliases" (22370).
    Provider(("gmail.com", "googlemail.com"), same=True, ignored="."),
    # Exchange Online documents plus addressing; that Outlook.com has it is common knowledge, UNVERIFIED.
    Provider(("outlook.com", "hotmail.com", "live.com", "msn.com")),
    # Source: Fastmail Help, "Plus addressing and subdomain addressing" (360060591053).
    Provider(("fastmail.com", "fastmail.fm"), subdomains=True),
    # Source: Apple Support, iCloud Mail (the three domains are one account's); plus addressing is UNVERIFIED.
    Provider(("icloud.com", "me.com", "mac.com"), same=True),
    # Source: Proton's own web client, ``removeEmailAlias``; one account's addresses in several domains.
    Provider(("proton.me", "protonmail.com", "protonmail.ch", "pm.me"), same=True, ignored=".-_"),
)


def mailbox_of(address: Address) -> str:
    """The same text for addresses that reach one mailbox, as far as its provider says so in public."""
    local, _, domain = address.key.rpartition("@")
    provider, home = _provider(domain)
    if provider is None:
        return f"{local.partition('+')[0]}@{domain}"
    if domain != home:
        local = domain.removesuffix(f".{home}").rpartition(".")[2]
    local = "".join(c for c in local.partition("+")[0] if c not in provider.ignored)
    return f"{local}@{provider.domains[0] if provider.same else home}"


def is_for_everybody(domain: str) -> bool:
    """Whether a domain's addresses belong to strangers to each other: a count of them tells nothing."""
    return _provider(domain)[0] is not None


def _provider(domain: str) -> tuple[Provider | None, str]:
    """The provider, and which of its domains it is."""
    for provider in PROVIDERS:
        for home in provider.domains:
            if domain == home or (provider.subdomains and domain.endswith(f".{home}")):
                return provider, home
    return None, domain
