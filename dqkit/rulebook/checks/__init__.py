"""The kinds of check, one a file; a new kind is one file and one line here."""

from dqkit.rulebook.check import Check
from dqkit.rulebook.checks.agree_within import AgreeWithin
from dqkit.rulebook.checks.alike import Alike
from dqkit.rulebook.checks.all_within import AllWithin
from dqkit.rulebook.checks.compare import Compare
from dqkit.rulebook.checks.covers import Covers
from dqkit.rulebook.checks.empty_list import EmptyList
from dqkit.rulebook.checks.fits_table import FitsTable
from dqkit.rulebook.checks.flag import Flag
from dqkit.rulebook.checks.holds_all import HoldsAll
from dqkit.rulebook.checks.holds_one_of_each import HoldsOneOfEach
from dqkit.rulebook.checks.list_count import ListCount
from dqkit.rulebook.checks.matches import Matches
from dqkit.rulebook.checks.no_duplicates import NoDuplicates
from dqkit.rulebook.checks.no_gap import NoGap
from dqkit.rulebook.checks.no_others import NoOthers
from dqkit.rulebook.checks.no_slices import NoSlices
from dqkit.rulebook.checks.outlier_within import OutlierWithin
from dqkit.rulebook.checks.present import Present
from dqkit.rulebook.checks.share_of_usual import ShareOfUsual
from dqkit.rulebook.checks.slices_within import SlicesWithin
from dqkit.rulebook.checks.sole import Sole
from dqkit.rulebook.checks.uniform_step import UniformStep
from dqkit.rulebook.checks.unique_within import UniqueWithin
from dqkit.rulebook.checks.usual_within import UsualWithin
from dqkit.rulebook.checks.value_in import ValueIn
from dqkit.rulebook.checks.value_not_in import ValueNotIn
from dqkit.rulebook.checks.within import Within

CHECKS: dict[str, type[Check]] = {
    "present": Present,
    "empty_list": EmptyList,
    "value_in": ValueIn,
    "value_not_in": ValueNotIn,
    "within": Within,
    "all_within": AllWithin,
    "matches": Matches,
    "compare": Compare,
    "flag": Flag,
    "fits_table": FitsTable,
    "list_count": ListCount,
    "covers": Covers,
    "holds_all": HoldsAll,
    "holds_one_of_each": HoldsOneOfEach,
    "alike": Alike,
    "sole": Sole,
    "no_gap": NoGap,
    "no_slices": NoSlices,
    "slices_within": SlicesWithin,
    "no_others": NoOthers,
    "uniform_step": UniformStep,
    "no_duplicates": NoDuplicates,
    "agree_within": AgreeWithin,
    "unique_within": UniqueWithin,
    "outlier_within": OutlierWithin,
    "usual_within": UsualWithin,
    "share_of_usual": ShareOfUsual,
}
