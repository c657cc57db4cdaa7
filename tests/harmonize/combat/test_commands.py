"""``dqkit combat``: what is typed, what is written, and what is refused."""

import json
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.cli.conftest import Ran, dqkit
from tests.harmonize.combat.samples import sample, write_table

FIT = ("--batch", "site", "--covariates", "age,sex")
TRAIN = ("--train-column", "split=train")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_table(tmp_path / "features.csv", sample(rows=120))


def fit(table: Path, *more: object, train: tuple[str, ...] = TRAIN) -> Ran:
    return dqkit("combat", "fit", table, *FIT, *train, "-o", table.with_name("model.json"), *more)


def apply(table: Path, *more: object) -> Ran:
    return dqkit("combat", "apply", table.with_name("model.json"), table, "-o", table.with_name("out.csv"), *more)


def changed(table: Path, old: str, new: str, name: str = "other.csv") -> Path:
    text = table.read_text()
    assert old in text
    other = table.with_name(name)
    other.write_text(text.replace(old, new))
    return other


def test_fit_then_apply_takes_the_sites_apart_no_more(table: Path) -> None:
    ran = fit(table)
    assert ran.code == 0
    assert "Fitted on 81 of 120 rows: 8 features, 3 sites" in ran.said
    assert "split = train" in ran.said
    ran = apply(table, "--json")
    assert ran.code == 0
    told = json.loads(ran.out)
    assert told["sites"] == {"north": 40, "south": 40, "west": 40}
    assert told["site_share_after"] < 0.25 * told["site_share_before"]
    before, after = (pl.read_csv(path) for path in (table, table.with_name("out.csv")))
    assert before.columns == after.columns
    assert before.select("patient", "site", "age", "sex", "split").equals(
        after.select("patient", "site", "age", "sex", "split")
    )
    assert (before["f0"] - after["f0"]).abs().max() > 0.1


def test_rows_outside_the_training_part_change_nothing_in_the_model(table: Path) -> None:
    fit(table)
    rows = table.read_text().splitlines()
    wild = [row.rsplit(",", 1)[0] + ",1e6" if ",test," in row else row for row in rows]
    (table.parent / "wild").mkdir()
    other = table.parent / "wild" / "features.csv"
    other.write_text("\n".join(wild) + "\n")
    assert fit(other).code == 0
    models = [json.loads(path.with_name("model.json").read_text()) for path in (table, other)]
    for model in models:
        model["training"].pop("table_sha256")
    assert models[0] == models[1]


def test_two_runs_write_the_same_bytes_and_rows_do_not_hang_on_each_other(table: Path) -> None:
    fit(table)
    apply(table)
    model, out = (table.with_name(name).read_bytes() for name in ("model.json", "out.csv"))
    fit(table, "--force")
    apply(table, "--force")
    assert (table.with_name("model.json").read_bytes(), table.with_name("out.csv").read_bytes()) == (model, out)
    part = table.with_name("part.csv")
    lines = table.read_text().splitlines()
    part.write_text("\n".join([lines[0], lines[7], lines[3]]) + "\n")
    dqkit("combat", "apply", table.with_name("model.json"), part, "-o", table.with_name("part-out.csv"))
    whole = out.decode().splitlines()
    assert table.with_name("part-out.csv").read_text().splitlines() == [whole[0], whole[7], whole[3]]


def test_the_model_is_json_that_says_what_it_was_fitted_on(table: Path) -> None:
    fit(table)
    model = json.loads(table.with_name("model.json").read_text())
    assert model["training"] | {"table_sha256": ""} == {
        "rows": 81, "of_rows": 120, "column": "split", "value": "train", "table_sha256": "", "skipped": 0,
    }  # fmt: skip
    assert len(model["training"]["table_sha256"]) == 64
    assert model["sites"] == {"north": 27, "south": 27, "west": 27}
    assert [one["name"] for one in model["covariates"]] == ["age", "sex"]
    assert model["covariates"][1]["levels"] == ["F", "M"]


def test_an_unseen_site_is_refused_by_name_with_those_that_are_known(table: Path) -> None:
    fit(table)
    ran = apply(changed(table, ",west,", ",east,"))
    assert ran.code == 2
    assert "east (40 rows)" in ran.said
    assert "it knows north, south, west" in ran.said
    assert not table.with_name("out.csv").exists()


def test_a_site_with_too_few_training_rows_is_refused(table: Path) -> None:
    lines = table.read_text().splitlines()
    few = [row for i, row in enumerate(lines) if ",west," not in row or i < 23]
    table.write_text("\n".join(few) + "\n")
    ran = fit(table)
    assert ran.code == 2
    assert "west (5)" in ran.said
    assert fit(table, "--min-rows", 5).code == 0


def test_one_site_alone_is_refused(table: Path) -> None:
    ran = fit(changed(changed(table, ",west,", ",north,"), ",south,", ",north,"))
    assert ran.code == 2
    assert "nothing to bring together" in ran.said


def test_the_training_part_must_be_said(table: Path) -> None:
    assert "which rows are the training part?" in fit(table, train=()).said
    assert fit(table, train=()).code == 2
    assert "exclude each other" in fit(table, "--all-rows").said
    assert "no row of features.csv has split = learn" in fit(table, train=("--train-column", "split=learn")).said
    assert fit(table, train=("--train-column", "split")).code == 2
    assert "the whole table" in fit(table, "--ignore", "split", train=("--all-rows",)).said


@pytest.mark.parametrize("empty", ["", "NA", "nan"])
def test_missing_values_are_told_with_their_column(table: Path, empty: str) -> None:
    lines = table.read_text().splitlines()
    for i in (1, 2):
        cells = lines[i].split(",")
        cells[6] = empty
        lines[i] = ",".join(cells)
    table.write_text("\n".join(lines) + "\n")
    ran = fit(table)
    assert ran.code == 2
    assert "f1 (2 rows)" in ran.said
    assert "2 of 81 rows" in ran.said
    assert "2 training rows were left out" in fit(table, "--missing", "skip").said
    assert apply(table).code == 2
    ran = apply(table, "--missing", "skip")
    assert ran.code == 0
    assert "f1 (2)" in ran.said
    out = pl.read_csv(table.with_name("out.csv"))
    assert out["f1"].null_count() == 2
    assert out["f0"].null_count() == 0


@pytest.mark.parametrize("odd", ["inf", "12 mm", "1,5"])
def test_a_cell_that_is_no_number_is_told_not_dropped(table: Path, odd: str) -> None:
    fit(table)
    lines = table.read_text().splitlines()
    cells = lines[1].split(",")
    cells[6] = f'"{odd}"'
    other = table.with_name("odd.csv")
    other.write_text("\n".join([lines[0], ",".join(cells), *lines[2:]]) + "\n")
    ran = apply(other, "--missing", "skip")
    assert ran.code == 2
    assert "no number in f1 (1 rows)" in ran.said
    ran = fit(other, "--features", "f0,f1", "--force")
    assert ran.code == 2


def test_a_row_without_a_covariate_has_no_harmonized_value(table: Path) -> None:
    fit(table)
    lines = table.read_text().splitlines()
    cells = lines[1].split(",")
    cells[2] = ""
    other = table.with_name("no-age.csv")
    other.write_text("\n".join([lines[0], ",".join(cells), *lines[2:]]) + "\n")
    assert "age (1 rows)" in apply(other).said
    assert apply(other, "--missing", "skip").code == 0
    out = pl.read_csv(table.with_name("out.csv"))
    assert out["f0"].is_null().to_list() == [True] + [False] * 119


def test_a_word_that_training_had_not_is_refused_without_being_said(table: Path) -> None:
    fit(table)
    ran = apply(changed(table, ",F,", ",Woman,"))
    assert ran.code == 2
    assert "the covariate sex has a value" in ran.said
    assert "Woman" not in ran.said


def test_ages_beyond_the_training_range_are_told(table: Path) -> None:
    fit(table)
    lines = table.read_text().splitlines()
    cells = lines[1].split(",")
    cells[2] = "99"
    other = table.with_name("old.csv")
    other.write_text("\n".join([lines[0], ",".join(cells), *lines[2:]]) + "\n")
    assert "age lies outside its training range in 1 row" in apply(other).said


def test_numbers_that_look_like_identifiers_are_not_harmonized_unseen(table: Path) -> None:
    lines = table.read_text().splitlines()
    numbered = [lines[0] + ",case", *(f"{row},{1000 + i}" for i, row in enumerate(lines[1:]))]
    table.write_text("\n".join(numbered) + "\n")
    ran = fit(table)
    assert ran.code == 2
    assert "case may be an identifier" in ran.said
    assert fit(table, "--ignore", "case").code == 0
    apply(table)
    assert pl.read_csv(table.with_name("out.csv"))["case"].to_list() == list(range(1000, 1120))


def test_constant_features_are_named_and_keep_their_text(table: Path) -> None:
    lines = table.read_text().splitlines()
    table.write_text("\n".join([lines[0] + ",flat", *(row + ",7.30" for row in lines[1:])]) + "\n")
    assert "left as they are: flat" in fit(table).said
    apply(table)
    assert {row.rsplit(",", 1)[1] for row in table.with_name("out.csv").read_text().splitlines()[1:]} == {"7.30"}


def test_one_feature_alone_is_said_to_lean_on_nothing(table: Path) -> None:
    ran = fit(table, "--features", "f0")
    assert ran.code == 0
    assert "could not lean on others" in ran.said
    assert not json.loads(table.with_name("model.json").read_text())["pooled"]


def test_covariates_that_repeat_the_sites_are_refused(table: Path) -> None:
    lines = table.read_text().splitlines()
    doubled = [lines[0] + ",field", *(row + (",3T" if ",west," in row else ",1.5T") for row in lines[1:])]
    table.write_text("\n".join(doubled) + "\n")
    ran = dqkit("combat", "fit", table, "--batch", "site", "--covariates", "field", *TRAIN, "-o", table.with_name("m"))
    assert ran.code == 2
    assert "say the same" in ran.said


def test_semicolons_and_decimal_commas_are_read(table: Path) -> None:
    fit(table)
    apply(table)
    european = table.with_name("european.csv")
    european.write_text(table.read_text().replace(",", ";").replace(".", ","))
    out = table.with_name("european-out.csv")
    assert dqkit("combat", "apply", table.with_name("model.json"), european, "-o", out).code == 0
    assert pl.read_csv(out)["f3"].to_list() == pl.read_csv(table.with_name("out.csv"))["f3"].to_list()


def test_parquet_goes_in_and_out(table: Path) -> None:
    fit(table)
    apply(table)
    parquet = table.with_name("features.parquet")
    pl.read_csv(table).write_parquet(parquet)
    out = table.with_name("out.parquet")
    assert dqkit("combat", "apply", table.with_name("model.json"), parquet, "-o", out).code == 0
    assert np.array(pl.read_parquet(out)["f0"].cast(pl.Float64)) == pytest.approx(
        np.array(pl.read_csv(table.with_name("out.csv"))["f0"])
    )


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "not json", '{"kind": "dqkit-combat", "version": 2}', '{"kind": "dqkit-combat", "version": 1}'],
)
def test_what_is_no_model_is_refused(table: Path, text: str) -> None:
    table.with_name("model.json").write_text(text)
    ran = apply(table)
    assert ran.code == 2
    assert "no model" in ran.said


def test_a_model_with_a_number_that_is_none_is_refused(table: Path) -> None:
    fit(table)
    model = json.loads(table.with_name("model.json").read_text())
    model["grand_mean"][0] = math.nan
    table.with_name("model.json").write_text(json.dumps(model))
    assert "no model" in apply(table).said


def test_bad_tables_end_with_a_sentence(table: Path, tmp_path: Path) -> None:
    ragged, workbook, twice = (tmp_path / name for name in ("ragged.csv", "book.csv", "twice.csv"))
    ragged.write_text(table.read_text() + "p,north,40,F,train,1,2,3,4,5,6,7,8,9\n")
    workbook.write_bytes(b"PK\x03\x04rest")
    twice.write_text("a,a\n1,2\n")
    for path, said in ((ragged, "as many cells"), (workbook, "workbook"), (twice, "two columns called a")):
        ran = fit(path)
        assert ran.code == 2
        assert said in ran.said
    assert fit(tmp_path / "gone.csv").code == 2
    (tmp_path / "empty.csv").write_text("a,b\n")
    assert fit(tmp_path / "empty.csv").code == 4
    assert "has no column site" in fit(changed(table, "site", "clinic")).said


def test_nothing_is_written_over(table: Path) -> None:
    fit(table)
    before = table.with_name("model.json").read_bytes()
    assert "is there already" in fit(table, "--no-pooling").said
    assert table.with_name("model.json").read_bytes() == before
    ran = dqkit("combat", "apply", table.with_name("model.json"), table, "-o", table, "--force")
    assert ran.code == 2
    assert "is what is read" in ran.said
