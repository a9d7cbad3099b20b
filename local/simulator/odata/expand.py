"""``$expand`` as a tree: ``resourceRoleScopes($expand=role,scope)`` asks for a link and for links behind it."""

from ..errors import bad_request

Expansion = dict[str, "Expansion"]


def parse_expand(text: str | None) -> Expansion:
    """Each link asked for with what is to be expanded behind it. Other options of a link are read over.

    Raises:
        GraphError: 400 for parentheses that do not match.
    """
    result: Expansion = {}
    for name, options in links(text):
        inner = next((o[len("$expand=") :] for o in options if o.startswith("$expand=")), None)
        result[name] = parse_expand(inner)
    return result


def links(text: str | None) -> list[tuple[str, list[str]]]:
    """Each link asked for, with its options (``$select=id,mail``). Raises GraphError: as `parse_expand` does."""
    result = []
    for part in _split(text or "", ","):
        name, options = part, ""
        if part.endswith(")"):
            name, _, options = part[:-1].partition("(")
        result.append((name.strip(), _split(options, ";")))
    return result


def _split(text: str, mark: str) -> list[str]:
    """The parts between marks that stand outside parentheses; empty ones are left out."""
    parts, depth = [""], 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if depth < 0:
            break
        if character == mark and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    if depth != 0:
        raise bad_request("Parsing OData Select and Expand failed: parentheses do not match.", "BadRequest")
    return [part.strip() for part in parts if part.strip()]
