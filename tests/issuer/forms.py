"""Reads the forms of a page."""

import html
import re


def forms(page: str) -> list[dict[str, str]]:
    """Name and value of the inputs of each form of a page."""
    field = r'<input[^>]*name="([^"]+)"[^>]*?(?:value="([^"]*)")?>'
    return [
        {name: html.unescape(value) for name, value in re.findall(field, form)}
        for form in re.findall(r"<form.*?</form>", page, re.S)
    ]
