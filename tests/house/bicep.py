"""Reads Bicep as far as is needed to say that a template hangs together: what is declared and used, what modules take
and give. For machines without a Bicep compiler: this finds what it would refuse most often."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath

import tree_sitter_bicep
from pycep import BicepParser
from tree_sitter import Language, Node, Parser

EXTENSION = re.compile(r"^extension \w+$", re.MULTILINE)
"""Newer than both grammars; it declares nothing that is used by name."""

FUNCTIONS = frozenset(
    {
        *("concat", "contains", "deployment", "empty", "environment", "fail", "filter", "guid", "items", "join"),
        *("loadJsonContent", "loadTextContent", "replace", "split", "subscription", "subscriptionResourceId"),
        *("tenant", "toLower", "union", "uniqueString", "length", "range", "startsWith"),
    }
)
"""Of Bicep, as far as they are used here, and known to both grammars; what checkov's older one lacks stands in
``infra/check.py``."""

_DECLARATIONS = {
    "parameter_declaration",
    "variable_declaration",
    "resource_declaration",
    "module_declaration",
    "output_declaration",
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its type as written, and its default as written, if any."""

    type: str
    default: str | None
    description: str | None


@dataclass(frozen=True, slots=True)
class Module:
    """A call of another file: what is handed over, each as written."""

    path: str
    name: str
    params: Mapping[str, str]


@dataclass(slots=True)
class Bicep:
    """One file."""

    parameters: dict[str, Parameter] = field(default_factory=dict)
    variables: dict[str, Node] = field(default_factory=dict)
    resources: dict[str, str] = field(default_factory=dict)
    modules: dict[str, Module] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    locals: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    called: set[str] = field(default_factory=set)
    module_outputs: set[tuple[str, str]] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)

    @property
    def declared(self) -> set[str]:
        return {*self.parameters, *self.variables, *self.resources, *self.modules}


@cache
def _grammar() -> Parser:
    return Parser(Language(tree_sitter_bicep.language()))


def read(text: str) -> Bicep:
    """Read a file; what cannot be parsed is in its `errors`."""
    tree = _grammar().parse(EXTENSION.sub("", text).encode())
    found = Bicep()
    found.errors = [f"line {n.start_point.row + 1}: {n.type}" for n in _walk(tree.root_node) if _broken(n)]
    description = None
    for node in tree.root_node.named_children:
        if node.type == "decorators":
            description = _description(node)
        elif node.type in _DECLARATIONS:
            _declare(found, node, description)
            description = None
    for node in _walk(tree.root_node):
        _use(found, node)
    return found


def parses_for_checkov(text: str) -> str | None:
    """What pycep, the parser of checkov, says against it. checkov pins an older version; what only that one cannot
    read is found by ``infra/check.py``."""
    try:
        BicepParser().parse(text=EXTENSION.sub("", text))
    except Exception as e:  # of the grammar's library: each kind of token has its own
        return str(e)
    return None


def faults(files: Mapping[str, str]) -> list[str]:
    """What a compiler would refuse in these files, by their paths."""
    read_files = {path: read(text) for path, text in files.items()}
    found: list[str] = []
    for path, file in read_files.items():
        found += [f"{path}: cannot be parsed, {error}" for error in file.errors]
        found += [f"{path}: {name} is not declared" for name in sorted(file.used - file.declared - file.locals)]
        found += [f"{path}: {name} is no function" for name in sorted(file.called - FUNCTIONS)]
        idle = {*file.parameters, *file.variables} - file.used
        found += [f"{path}: {name} is not used" for name in sorted(idle)]
        names = [module.name for module in file.modules.values()]
        found += [
            f"{path}: two modules are deployed as {n}" for n in sorted({n for n in names if names.count(n) > 1})
        ]
        for symbol, module in file.modules.items():
            target = str(_joined(path, module.path))
            if target not in read_files:
                found.append(f"{path}: {symbol} is of {target}, which is not there")
                continue
            found += [f"{path}: {symbol} {fault}" for fault in _call_faults(file, module, read_files, path, target)]
        for symbol, output in sorted(file.module_outputs):
            called = file.modules.get(symbol)
            target = str(_joined(path, called.path)) if called else ""
            if target in read_files and output not in read_files[target].outputs:
                found.append(f"{path}: {symbol} gives no {output}")
    return found


def _call_faults(file: Bicep, module: Module, files: Mapping[str, Bicep], path: str, target: str) -> Iterator[str]:
    wanted = files[target].parameters
    yield from (f"does not take {name}" for name in module.params if name not in wanted)
    yield from (f"lacks {n}" for n, p in wanted.items() if p.default is None and n not in module.params)
    for name, value in module.params.items():
        given = _type_of(file, value, files, path)
        if name in wanted and given is not None and given != wanted[name].type:
            yield f"gives {name} a {given}, not a {wanted[name].type}"


def _type_of(file: Bicep, value: str, files: Mapping[str, Bicep], path: str) -> str | None:
    """Of what is handed over as it is: a parameter, or a module's output. None where that cannot be told."""
    if value in file.parameters:
        return file.parameters[value].type
    passed = re.fullmatch(r"(\w+)!?\.outputs\.(\w+)", value)
    if passed and passed[1] in file.modules:
        target = files.get(str(_joined(path, file.modules[passed[1]].path)))
        return target.outputs.get(passed[2]) if target else None
    return None


def _joined(path: str, other: str) -> PurePosixPath:
    return PurePosixPath(path).parent / other


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _walk(child)


def _broken(node: Node) -> bool:
    return node.is_error or node.is_missing


def _text(node: Node) -> str:
    return (node.text or b"").decode()


def _description(decorators: Node) -> str | None:
    for node in decorators.named_children:
        text = _text(node)
        if text.startswith("@description("):
            return text.removeprefix("@description(").removesuffix(")").strip("'")
    return None


def _declare(found: Bicep, node: Node, description: str | None) -> None:
    first, *rest = node.named_children
    name = _text(first)
    if node.type == "parameter_declaration":
        default = _text(rest[1]) if len(rest) > 1 else None
        found.parameters[name] = Parameter(_text(rest[0]), default, description)
    elif node.type == "variable_declaration":
        found.variables[name] = rest[-1]
    elif node.type == "resource_declaration":
        found.resources[name] = _text(rest[0]).strip("'")
    elif node.type == "output_declaration":
        found.outputs[name] = _text(rest[0])
    else:
        found.modules[name] = _module(node)


def _module(node: Node) -> Module:
    path = _text(node.named_children[1]).strip("'")
    body = next(n for n in _walk(node) if n.type == "object")
    values = properties(body)
    handed = values.get("params")
    params = {name: _text(value) for name, value in properties(handed).items()} if handed is not None else {}
    return Module(path, _text(values["name"]).strip("'"), params)


def properties(node: Node) -> dict[str, Node]:
    """Of an object, by their names."""
    pairs = [
        n.named_children for n in node.named_children if n.type == "object_property" and len(n.named_children) > 1
    ]
    return {_text(pair[0]).strip("'"): pair[-1] for pair in pairs}


def strings(node: Node) -> list[str]:
    """The texts in an array."""
    return [_text(n).strip("'") for n in node.named_children if n.type == "string"]


def _use(found: Bicep, node: Node) -> None:
    parent = node.parent
    if node.type == "member_expression":
        text = re.match(r"(\w+)(?:\[[^\]]*\])?!?\.outputs\.(\w+)$", _text(node))
        if text:
            found.module_outputs.add((text[1], text[2]))
    if node.type in ("loop_variable", "loop_enumerator"):
        found.locals.add(_text(node))
    if node.type != "identifier" or parent is None:
        return
    name, is_first = _text(node), parent.named_children[0] == node
    if parent.type in _DECLARATIONS and is_first:
        if parent.type == "resource_declaration" and parent.parent and parent.parent.type == "object_property":
            found.resources[name] = "nested"
    elif parent.type == "object_property" and is_first:
        found.keys.add(name)
    elif parent.type == "call_expression" and is_first:
        if parent.parent is None or parent.parent.type != "decorator":
            found.called.add(name)
    elif parent.type in ("for_statement", "lambda_expression") and is_first:
        found.locals.add(name)
    else:
        found.used.add(name)


def files_of(folder: Path) -> dict[str, str]:
    """Every Bicep file below a folder, by its path from there."""
    return {p.relative_to(folder).as_posix(): p.read_text(encoding="utf-8") for p in sorted(folder.rglob("*.bicep"))}
