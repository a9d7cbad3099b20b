"""Headers of pages: what a page may load, and that nobody may frame it or learn where it was."""

from urllib.parse import urlsplit


def page_headers(authority: str | None = None) -> dict[str, str]:
    """Of a page without script; with `authority` of one whose own scripts may talk to this app and to who signs
    people in."""
    if authority is None:
        sources = ["script-src 'none'", "connect-src 'none'"]
    else:
        parts = urlsplit(authority)
        sources = ["script-src 'self'", f"connect-src 'self' {parts.scheme}://{parts.netloc}"]
    policy = [
        "default-src 'none'",
        *sources,
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
    return {
        "Content-Security-Policy": "; ".join(policy),
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
