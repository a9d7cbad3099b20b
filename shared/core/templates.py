"""Texts that are drawn from the templates of a package. What is put into HTML is escaped; a name that a template asks
for and nobody gave is an error."""

import functools
from collections.abc import Callable
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2


@functools.cache
def templates(package: str, *, trim: bool = True, **filters: Callable[..., str]) -> "jinja2.Environment":
    """Those in its folder `templates`. With `trim` the lines that hold nothing but a tag leave nothing behind."""
    import jinja2  # Not before the first text: an app that starts for a queue draws none.

    made = jinja2.Environment(
        loader=jinja2.PackageLoader(package, "templates"),
        autoescape=jinja2.select_autoescape(enabled_extensions=("html",), default=False),
        undefined=jinja2.StrictUndefined,
        trim_blocks=trim,
        lstrip_blocks=trim,
        keep_trailing_newline=not trim,
    )
    made.filters |= filters
    return made


@functools.cache
def text_file(package: str, path: str) -> str:
    """A file of the package as it is."""
    return (files(package) / path).read_text(encoding="utf-8")
