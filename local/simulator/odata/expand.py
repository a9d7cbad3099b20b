"""``$expand`` as a tree: ``resourceRoleScopes($expand=role,scope)`` asks for a link and for links behind it."""

from ..errors import bad_request

Expansion = dict[str, "Expansion"]


def parse_expand(text: str | None) -> Expansion:
    """Each link asked for with what is to be expanded behind it. Other options of a link are read over.

    Raises:
        GraphError: 400 for parentheses that do not match.
    """
    result: Expansion = {}
    for part in _split(text or "", ","):
        name, options = part, ""
        if part.endswith(")"):
            name, _, options = part[:-1].partition("(")
        inner = next((o[len("$expand=") :] for o in _split(options, ";") if o.startswith("$expand=")), None)
        result[name.strip()] = parse_expand(inner)
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
