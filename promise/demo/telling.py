"""How the story is printed: chapters, what is asked, what comes back, and checks that can fail."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import click
from lxml import etree

if TYPE_CHECKING:
    from promise.demo.client import Exchange

WIDTH = 100


class Wrong(Exception):
    """A number of the story is not what it has to be."""


class Teller:
    """Prints the story, and counts what it has checked."""

    def __init__(self) -> None:
        self.chapters = 0
        self.checks = 0

    def chapter(self, title: str) -> None:
        """Begin a chapter."""
        self.chapters += 1
        click.echo()
        click.secho(f"{self.chapters}. {title}", bold=True)
        click.echo("-" * (len(title) + 4))

    def say(self, text: str) -> None:
        """Explain something to a person."""
        click.echo(textwrap.fill(" ".join(text.split()), WIDTH))

    def asked(self, request: str) -> None:
        """Show in short what the orchestrator asks."""
        click.secho(f"   -> {request}", fg="cyan")

    def answered(self, answer: str) -> None:
        """Show in short what Promise answers."""
        click.secho(f"   <- {answer}", fg="green")

    def refused(self, answer: str) -> None:
        """Show a refusal."""
        click.secho(f"   <- {answer}", fg="yellow")

    def wire(self, exchange: Exchange) -> None:
        """Show one exchange as it went over the wire."""
        for arrow, text in (("->", exchange.request), ("<-", exchange.reply)):
            shown = etree.tostring(etree.fromstring(text), pretty_print=True).decode().rstrip()
            click.echo(textwrap.indent(shown, f"      {arrow} "))

    def picture(self, lines: list[str]) -> None:
        """Show a picture."""
        click.echo()
        for line in lines:
            click.echo(f"   {line}")

    def check(self, what: str, got: object, expected: object) -> None:
        """See that a number is right.

        Raises:
            Wrong: it is not.
        """
        if got != expected:
            raise Wrong(f"{what}: expected {expected}, got {got}")
        self.checks += 1
