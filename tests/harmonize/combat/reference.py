"""Writes what neuroHarmonize makes of a sample, for test_estimate.py to agree with.

It asks for numpy 1 and pandas 2, so that it cannot be installed beside dqkit; what is there was made with numpy 2.2.6:

    pip install --no-deps --target DIR neuroHarmonize==2.5.2 neuroCombat==0.2.12 statsmodels==0.15.0 patsy==1.0.3
    PYTHONPATH=DIR python -m tests.harmonize.combat.reference
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from tests.harmonize.combat.samples import sample

HERE = Path(__file__).parent / "reference.json"


def main() -> None:
    import pandas as pd
    from neuroCombat.neuroCombat import find_parametric_adjustments
    from neuroHarmonize import harmonizationApply, harmonizationLearn

    made = sample(rows=60, features=4)
    table = pd.DataFrame({"SITE": made.site, "age": made.age, "sex": made.sex})
    train = np.arange(60) < 42
    found = {}
    asked: dict[str, dict[str, Any]] = {"pooled": {}, "alone": {"eb": False}, "reference": {"ref_batch": 1}}
    for name, options in [*asked.items(), ("converged", {})]:
        if name == "converged":  # it stops at a change of 1e-4 otherwise
            find_parametric_adjustments.__globals__["it_sol"].__defaults__ = (1e-13,)
        model, _ = harmonizationLearn(made.seen[train], table[train].reset_index(drop=True), **options)
        found[name] = harmonizationApply(made.seen, table, model).tolist()
    HERE.write_text(json.dumps(found, indent=0) + "\n")


if __name__ == "__main__":
    main()
