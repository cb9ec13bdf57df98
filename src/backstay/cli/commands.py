"""All commands, in the order in which `--help` lists them."""

from __future__ import annotations

import typer

from . import looking as looking
from . import working as working
from .program import app

program = typer.main.get_command(app)
