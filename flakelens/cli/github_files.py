"""The files in which a step of GitHub Actions leaves its summary and its outputs."""

from __future__ import annotations

from pathlib import Path

import click

from flakelens.cli.app import App
from flakelens.render.github.gate import output_lines


def tell_github(app: App, *, summary: str, outputs: dict[str, str]) -> None:
    """Append both where GitHub Actions asks for them. Never in the way of the verdict."""
    for variable, text in (("GITHUB_STEP_SUMMARY", f"{summary}\n"), ("GITHUB_OUTPUT", output_lines(outputs))):
        if place := app.environ.get(variable):
            try:
                with Path(place).open("a", encoding="utf-8", newline="\n") as file:
                    file.write(text)
            except OSError as error:
                click.echo(f"flakelens: {variable} could not be written: {error.strerror}.", err=True)
