"""Dataset files: every kind and name that people use, and a clear error for what cannot be relied on."""

from pathlib import Path

import polars as pl
import pytest

from dqkit.dataset.entries import Asked, read_dataset
from dqkit.dataset.files import files_of
from dqkit.errors import DqkitError, ExitCode
from dqkit.index.progress import Silent


def write(folder: Path, text: str | bytes, name: str = "train.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("path,label,split\na.dcm,1,train\nb.dcm,2,val\n", "t.csv"),
        ("\ufeffpath,label,split\r\na.dcm,1,train\r\nb.dcm,2,val\r\n", "t.csv"),
        ("File Name;Class;Fold\n\na.dcm;1;train\nb.dcm;2;val\n", "t.csv"),
        ("image_path\ttarget\tsubset\na.dcm\t1\ttrain\nb.dcm\t2\tval\n", "t.tsv"),
        ("标签,路径,划分\n1,a.dcm,train\n2,b.dcm,val\n", "t.csv"),
        (
            '{"path": "a.dcm", "label": 1, "split": "train"}\n{"path": "b.dcm", "label": "2", "split": "val"}\n',
            "t.jsonl",
        ),
    ],
)
def test_text_of_usual_kinds_is_read(tmp_path: Path, text: str, name: str) -> None:
    dataset = read_dataset(write(tmp_path, text, name))
    assert dataset.entries.rows() == [(1, "a.dcm", "1", "train"), (2, "b.dcm", "2", "val")]
    assert dataset.root == tmp_path


def test_parquet_is_read_images_of_hugging_face_too(tmp_path: Path) -> None:
    images = [{"bytes": b"x", "path": "a.dcm"}, {"bytes": b"y", "path": None}]
    pl.DataFrame({"image": images, "label": [1, 2]}).write_parquet(tmp_path / "t.parquet")
    dataset = read_dataset(tmp_path / "t.parquet")
    assert dataset.entries.select("entry", "label").rows() == [("a.dcm", "1"), (None, "2")]


def test_columns_can_be_named(tmp_path: Path) -> None:
    table = write(tmp_path, "path,where,kind\nold.dcm,new.dcm,7\n")
    assert read_dataset(table, Asked(path="where", label="kind")).entries.rows() == [(1, "new.dcm", "7", None)]


def test_masks_are_read_by_training_too_and_classes_are_no_paths(tmp_path: Path) -> None:
    masks = read_dataset(write(tmp_path, "image,label,grade\na.nii,m/a.nii,3\nb.nii,,2\n"))
    assert masks.columns["path"] == ("image", "label")
    assert masks.entries["entry"].to_list() == ["a.nii", "b.nii", "m/a.nii"]
    flags = read_dataset(write(tmp_path, "image,mask,label\na.nii,1,lesion\n"))
    assert flags.columns == {"path": ("image",), "label": ("label",), "split": ()}


def test_a_folder_stands_for_all_its_files(tmp_path: Path) -> None:
    dataset = read_dataset(tmp_path)
    assert (dataset.entries["entry"].to_list(), dataset.root) == (["."], tmp_path)


@pytest.mark.parametrize(
    ("text", "said", "code"),
    [
        (b"", "is empty", ExitCode.NOTHING),
        (b"path,label\n", "names no file", ExitCode.NOTHING),
        (b"id,age\n1,2\n", "has no column that is called as columns of paths are: it has id, age", ExitCode.USAGE),
        (b"path,label\n=HYPERLINK(1),2\n", "row 1 holds a formula", ExitCode.USAGE),
        ("path\n头部.dcm\n".encode("gb18030"), "is not UTF-8 text", ExitCode.USAGE),
        ("path\na.dcm\n".encode("utf-16"), "is not UTF-8 text", ExitCode.USAGE),
        (b"path,label\na.dcm,1\nb.dcm\n", "t.csv:3: the row has 1 cells, and the header 2", ExitCode.USAGE),
        (b"path,label\na.dcm,1,2\n", "t.csv:2: the row has 3 cells, and the header 2", ExitCode.USAGE),
        (b'path\n"a.dcm\nb.dcm\n', "is damaged at line", ExitCode.USAGE),
        (b"path,path\na,b\n", "two columns of one name", ExitCode.USAGE),
        (b"PK\x03\x04....", "is a workbook", ExitCode.USAGE),
        (b"PAR1 and no more", "damaged parquet", ExitCode.USAGE),
        (b'{"path": "a"}\n{"path": \n', "line 2 is no JSON of its own", ExitCode.USAGE),
        (b'["a.dcm"]\n', "holds no object in line 1", ExitCode.USAGE),
    ],
)
def test_what_cannot_be_relied_on_is_refused(tmp_path: Path, text: bytes, said: str, code: ExitCode) -> None:
    with pytest.raises(DqkitError, match=said.replace("(", "[(]")) as caught:
        read_dataset(write(tmp_path, text, "t.csv"))
    assert caught.value.exit_code == code
    assert caught.value.hint


def test_a_file_without_a_header_line_shows_none_of_its_values(tmp_path: Path) -> None:
    table = write(tmp_path, "Doe^John/1.dcm,benign\nRoe^Jane/1.dcm,benign\n")
    with pytest.raises(DqkitError) as caught:
        read_dataset(table)
    assert "Doe" not in caught.value.message
    assert "1 that look like values" in caught.value.message


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DqkitError, match="no dataset file"):
        read_dataset(tmp_path / "gone.csv")
    with pytest.raises(DqkitError, match="is no folder"):
        read_dataset(write(tmp_path, "path\na\n"), Asked(root=tmp_path / "gone"))
    with pytest.raises(DqkitError, match="no column 'x'"):
        read_dataset(write(tmp_path, "path\na\n"), Asked(path="x"))


def test_entries_lead_to_one_place_however_they_are_written(tmp_path: Path) -> None:
    rows = ["a.dcm", "./a.dcm", "sub//../a.dcm", f"{tmp_path}/a.dcm", "影像 1.dcm", "100%.dcm", "a.dcm"]
    (tmp_path / "sub").mkdir()
    (tmp_path / "train.csv").write_text("path\n" + "\n".join(rows) + "\n", encoding="utf-8")
    listed = files_of(read_dataset(tmp_path / "train.csv"), Silent())
    assert listed.entries["target"].to_list() == [0, 0, 0, 0, 1, 2, 0]
    assert listed.targets.rows() == [(0, 1, 5, 0), (1, 5, 1, 0), (2, 6, 1, 0)]
    names = [place.removeprefix(f"{tmp_path}/") for place in listed.files["place"]]
    assert names == ["a.dcm", "影像 1.dcm", "100%25.dcm"]


def test_a_plain_entry_below_a_root_with_dots_is_followed_as_the_file_system_says(tmp_path: Path) -> None:
    (tmp_path / "real" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real" / "deep")
    (tmp_path / "real" / "a.dcm").write_bytes(b"x")
    (tmp_path / "train.csv").write_text("path\na.dcm\n", encoding="utf-8")
    listed = files_of(read_dataset(tmp_path / "train.csv", Asked(root=tmp_path / "link" / "..")), Silent())
    assert listed.files["place"].to_list() == [str((tmp_path / "real" / "a.dcm").resolve())]
    assert listed.files["size"].to_list() == [1]
