"""Values that must not occur."""

from dataclasses import dataclass

from dqkit.rulebook.checks.value_in import ValueIn


@dataclass(frozen=True)
class ValueNotIn(ValueIn):
    """The value (each one of a list) is none of those named. Unknown where there is none.

    check: {value_not_in: {of: status, values: [empty]}}
    check: {value_not_in: {of: TransferSyntaxUID, listed_in: transfer-syntaxes, where: {retired: true}}}
    """

    wanted: bool = False
