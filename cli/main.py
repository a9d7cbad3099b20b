"""The ``guestlist`` command. What is slow to load is imported where it is used, so that help comes at once."""

from __future__ import annotations

import typer

from cli import apps, audits, diagnostics, imports, invitations, options, people, setup, stop
from cli.old_names import PresentNames

app = typer.Typer(
    name="guestlist",
    cls=PresentNames,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # Rich takes three times as long to load as all else that help needs
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)
app.callback()(options.root)
app.add_typer(setup.group, name="setup")
app.add_typer(apps.group, name="app")
app.add_typer(invitations.group, name="invitation")
app.add_typer(imports.group, name="import")
app.add_typer(audits.group, name="audit")
app.add_typer(people.group, name="person")
app.command("doctor")(diagnostics.doctor)
app.command("stop")(stop.stop)
app.command("start")(stop.start)


def main() -> None:
    app()


if __name__ == "__main__":
    main()
