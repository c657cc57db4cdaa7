"""The group that commands hang under: typer's own, without its detour through pydantic."""

from typing import Any

from typer.core import TyperGroup


class Group(TyperGroup):
    """As typer's group, with a help option that is False where it is not given.

    Typer 0.29 leaves it None there and imports pydantic to make that a bool: half the CPU of every sub-command's help.
    """

    def get_help_option(self, ctx: Any) -> Any:
        """Return the help option."""
        option = super().get_help_option(ctx)
        if option is not None and option.default is None:
            option.default = False
        return option
