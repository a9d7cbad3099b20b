"""What azd makes of the parameters file, and GitHub of the variables of a workflow.

Source: azure-dev, cli/azd/pkg/infra/provisioning/bicep/bicep_provider.go (loadParameters, ensureParameters,
armParameterFileValue), and drone/envsubst (``${NAME=default}``: the default where the value is empty, set or not).
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from tests.house.bicep import Parameter

_REFERENCE = re.compile(r"\$\{(\w+)(?:=([^}]*))?\}")
_VARIABLE = re.compile(r"^ {6}(\w+): \$\{\{ vars\.(\w+)(?: \|\| '([^']*)')? \}\}$", re.MULTILINE)
_TRUE, _FALSE = {"1", "t", "T", "TRUE", "true", "True"}, {"0", "f", "F", "FALSE", "false", "False"}


class Asked(Exception):
    """azd would ask for a value, or fail where it may not."""


def default_of(parameter: Parameter) -> Any:
    """A parameter's own default, as a value; None where it has none."""
    text = parameter.default
    if text is None:
        return None
    return text[1:-1] if text.startswith("'") else json.loads(text)


def variable_of(text: str) -> tuple[str, str | None]:
    """Name and default of the one variable that a value in the parameters file is."""
    found = _REFERENCE.fullmatch(text)
    assert found, text
    return found[1], found[2]


def given(file: Mapping[str, Any], parameters: Mapping[str, Parameter], env: Mapping[str, str]) -> dict[str, Any]:
    """The values that a deployment gets, by the environment; what it leaves to the template's default is not there.

    Raises:
        Asked: for one of them.
    """
    found = {}
    for name, parameter in parameters.items():
        value = _value(file[name]["value"], parameter, env) if name in file else None
        if value is not None:
            found[name] = value
        elif parameter.default is None:
            raise Asked(name)
    return found


def _value(text: str, parameter: Parameter, env: Mapping[str, str]) -> Any:
    variable, default = variable_of(text)
    replaced = env.get(variable, "") or default or ""
    if not replaced and variable not in env:
        return None
    match parameter.type:
        case "object" | "array":
            return json.loads(replaced)  # azd ends with "is not valid JSON"
        case "bool":
            return True if replaced in _TRUE else False if replaced in _FALSE else None
        case "int":
            return int(replaced) if re.fullmatch(r"-?\d+", replaced) else None
        case _:
            own = default_of(parameter)
            # An empty text is taken for an answer where the template's default is another.
            return replaced if replaced or (own is not None and replaced != own) else None


def of_workflow(text: str) -> dict[str, tuple[str, str]]:
    """The environment of a job: for each of its variables the one on GitHub, and its default."""
    return {name: (variable, default) for name, variable, default in _VARIABLE.findall(text)}


def on_github(text: str, variables: Mapping[str, str]) -> dict[str, str]:
    """What a job's environment is with these variables. One that is not set is an empty text.

    Source: GitHub Docs, "Contexts reference": a context's property that does not exist is an empty string.
    """
    return {name: variables.get(variable, "") or default for name, (variable, default) in of_workflow(text).items()}
