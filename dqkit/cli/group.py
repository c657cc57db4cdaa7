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


class DefaultGroup(Group):
    """A group that is a command itself: what names no other command of it goes to `DEFAULT`."""

    DEFAULT = "run"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the default command before what was typed, unless another one stands there."""
        typed = args if args and args[0] in self.commands else [self.DEFAULT, *args]
        parsed: list[str] = super().parse_args(ctx, typed)
        return parsed
