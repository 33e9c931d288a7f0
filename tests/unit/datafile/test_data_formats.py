"""Files of runs, in all formats: opened again with the libraries people use, the same numbers; changed, they say so."""

from __future__ import annotations

import csv
import io
import json
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from nwbinspector import Importance, inspect_nwbfile
from pynwb import NWBHDF5IO, validate

from lics_actors.datafile.content import plan_of, tables_of
from lics_actors.datafile.dossier import Dossier
from lics_actors.datafile.formats import FORMATS, FileError, format_of
from lics_actors.datafile.lines import RecordError
from lics_actors.datafile.making import make, prove
from lics_actors.datafile.tables import Table, same
from lics_actors.experiment.library import classics
from tests.unit.datafile.dossiers import STARTED, classic_dossier, dossier_of, journalled, story

NAMES = (*classics(), "story")
IMPORTANT = {Importance.CRITICAL, Importance.BEST_PRACTICE_VIOLATION, Importance.ERROR, Importance.PYNWB_VALIDATION}


def dossier(name: str) -> Dossier:
    if name != "story":
        return classic_dossier(name)
    play = story()
    return dossier_of(play, journalled(play))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    folder = tmp_path_factory.mktemp("files")
    found = {(name, each.name): folder / (name + each.suffix) for name in NAMES for each in FORMATS.values()}
    for (name, wanted), path in found.items():
        make(dossier(name), FORMATS[wanted], path)
    return found


def tables(name: str) -> dict[str, Table]:
    return {each.name: each for each in tables_of(dossier(name), plan_of(dossier(name)))}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("wanted", list(FORMATS))
def test_a_file_proves_itself(files: dict[tuple[str, str], Path], name: str, wanted: str) -> None:
    path = files[name, wanted]
    assert format_of(path) is FORMATS[wanted]
    found, proof = prove(path)
    assert found == dossier(name)
    assert proof.holds, proof


@pytest.mark.parametrize("name", NAMES)
def test_nwbinspector_finds_no_critical_and_no_violation(files: dict[tuple[str, str], Path], name: str) -> None:
    found = [
        (each.importance.name, each.check_function_name, each.object_name, each.message)
        for each in inspect_nwbfile(nwbfile_path=files[name, "nwb"])
        if each.importance in IMPORTANT
    ]
    # What an operator wrote looks like a dictionary; it stays as it was written.
    assert [each for each in found if name != "story" or each[1] != "check_table_values_for_dict"] == []


def test_a_file_is_valid_and_opens_in_pynwb_with_the_same_numbers(files: dict[tuple[str, str], Path]) -> None:
    path = files["story", "nwb"]
    assert validate(path=str(path)) == []
    wanted = tables("story")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with NWBHDF5IO(path, "r") as io_:
            file = io_.read()
            trials = file.trials.to_dataframe()
            assert file.session_start_time == STARTED and file.session_id == str(dossier("story").facts.run_id)
            assert (file.subject.species, file.subject.sex, file.subject.weight) == ("Mus musculus", "F", "24.5 g")
            assert (file.subject.subject_id, file.subject.age) == ("lab-anna", "P92D")
            assert set(file.devices) == {"pump", "panel", "room"} and file.protocol == "as: written"
            assert [list(each) for each in file.was_generated_by] == [["lics", "1.2.3"]]
            assert "18 numbered messages of the devices are in the record, 2 are missing" in file.notes
            for name, table in wanted.items():
                if table.rows and name != "trials":
                    found = file.events[name] if table.group == "events" else file.processing["misc"][name]
                    assert_same(table, found.to_dataframe())
            described = {each.name: each.description for each in file.trials.columns}
    assert_same(wanted["trials"], trials)
    assert described["reward_ul"] == "what the protocol gave in it, as commanded (ul)"


@pytest.mark.parametrize("name", NAMES)
def test_archives_open_in_pandas_with_the_same_numbers(files: dict[tuple[str, str], Path], name: str) -> None:
    for table in tables(name).values():
        with zipfile.ZipFile(files[name, "parquet"]) as archive:
            frame = pd.read_parquet(io.BytesIO(archive.read(f"{table.name}.parquet")))
        assert list(frame.columns) == [each.name for each in table.columns]
        assert_same(table, frame)
        with zipfile.ZipFile(files[name, "csv"]) as archive:
            kinds = {each.name: str for each in table.columns if each.kind == "text"}
            text = pd.read_csv(
                io.BytesIO(archive.read(f"{table.name}.csv")),
                dtype=kinds,
                keep_default_na=False,
                na_values={each.name: [""] for each in table.columns if each.kind == "float"},
            )
        assert_same(table, text)


def assert_same(table: Table, frame: Any) -> None:
    assert len(frame) == len(table.rows)
    for n, column in enumerate(table.columns):
        cells = [_plain(each) for each in frame[column.name].tolist()]
        for wanted, found in zip(table.cells(n), cells, strict=True):
            assert same(wanted, found), (table.name, column.name, wanted, found)


def _plain(cell: Any) -> Any:
    return cell.item() if isinstance(cell, np.generic) else cell


def test_the_sidecar_says_what_the_columns_are(files: dict[tuple[str, str], Path]) -> None:
    with zipfile.ZipFile(files["story", "csv"]) as archive:
        document = json.loads(archive.read("run.json"))
        names = set(archive.namelist())
    assert names == {"run.json", "record.jsonl", *(f"{name}.csv" for name in document["tables"])}
    assert document["protocol"]["version"] == 3 and document["subject"]["species"] == "Mouse"
    assert document["record"]["moves"] == len(dossier("story").moves) and len(document["record"]["sha256"]) == 64
    assert document["completeness"][0]["gaps"] == [[3, 4]]
    schema = pq.read_schema(io.BytesIO(zipfile.ZipFile(files["story", "parquet"]).read("trials.parquet")))
    assert schema.field("start_time").metadata == {b"about": b"when the trial began, from the start of the run", b"unit": b"s"}


def test_the_same_run_makes_the_same_archive(files: dict[tuple[str, str], Path], tmp_path: Path) -> None:
    for wanted in ("csv", "parquet"):
        make(dossier("two_choice"), FORMATS[wanted], tmp_path / wanted)
        assert (tmp_path / wanted).read_bytes() == files["two_choice", wanted].read_bytes()


# --- what was changed says so ----------------------------------------------------------------------------------------------


def repacked(path: Path, to: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(to, "w") as new:
        for name in old.namelist():
            data = change(name, old.read(name))
            if data is not None:
                new.writestr(name, data)
    return to


def test_a_row_that_was_changed_in_nwb_is_found(files: dict[tuple[str, str], Path], tmp_path: Path) -> None:
    path = tmp_path / "wished.nwb"
    path.write_bytes(files["two_choice", "nwb"].read_bytes())
    with h5py.File(path, "r+") as file:
        file["intervals/trials/outcome"][3] = "incorrect"
    _, proof = prove(path)
    assert str(proof.altered) == "trials, row 3, outcome: 'incorrect' where the record says 'correct'"
    with h5py.File(path, "r+") as file:
        file["intervals/trials/outcome"][3] = "correct"
        assert prove(path)[1].holds
        file["events/rewards/amount_ul"][0] += 0.5
    assert str(prove(path)[1].altered) == "rewards, row 0, amount_ul: 8.5 where the record says 8.0"
    with h5py.File(path, "r+") as file:
        file["scratch/lics_record"][100] ^= 1
    with pytest.raises(RecordError, match="digest is another"):
        prove(path)


def test_a_row_that_was_changed_in_csv_or_parquet_is_found(files: dict[tuple[str, str], Path], tmp_path: Path) -> None:
    def fewer(name: str, data: bytes) -> bytes:
        return data.rsplit(b"\r\n", 2)[0] + b"\r\n" if name == "trials.csv" else data

    path = repacked(files["two_choice", "csv"], tmp_path / "fewer.csv.zip", fewer)
    assert "11 rows" in str(prove(path)[1].altered)

    def better(name: str, data: bytes) -> bytes:
        if name != "trials.parquet":
            return data
        table, sink = pq.read_table(io.BytesIO(data)), io.BytesIO()
        frame = table.to_pandas()
        frame.loc[1, "stop_time"] += 1.0
        pq.write_table(type(table).from_pandas(frame, schema=table.schema), sink)
        return sink.getvalue()

    path = repacked(files["two_choice", "parquet"], tmp_path / "better.parquet.zip", better)
    assert "trials, row 1, stop_time" in str(prove(path)[1].altered)


def test_a_table_saved_again_by_a_spreadsheet_is_still_itself(files: dict[tuple[str, str], Path], tmp_path: Path) -> None:
    def saved(name: str, data: bytes) -> bytes:
        if name != "trials.csv":
            return data
        rows = [
            [{"true": "TRUE", "false": "FALSE"}.get(c, c.removesuffix(".0")) for c in r]
            for r in csv.reader(data.decode().split("\r\n"))
            if r
        ]
        sink = io.StringIO(newline="")
        csv.writer(sink, lineterminator="\n").writerows(rows)
        return sink.getvalue().encode()

    assert prove(repacked(files["two_choice", "csv"], tmp_path / "saved.zip", saved))[1].holds


@pytest.mark.parametrize("wanted", ["csv", "parquet"])
def test_damaged_archives_are_told(files: dict[tuple[str, str], Path], tmp_path: Path, wanted: str) -> None:
    whole = files["two_choice", wanted]
    cut = tmp_path / "cut.zip"
    cut.write_bytes(whole.read_bytes()[:-30])
    with pytest.raises(FileError, match="is no archive"):
        prove(cut)
    with pytest.raises(FileError, match=r"holds no record\.jsonl"):
        prove(repacked(whole, tmp_path / "none.zip", lambda name, data: None if name == "record.jsonl" else data))
    suffix = f".{wanted}"
    with pytest.raises(FileError, match="cannot be read as"):
        prove(repacked(whole, tmp_path / "bad.zip", lambda name, data: b'a,"\r\n' if name.endswith(suffix) else data))


def test_an_archive_that_would_fill_the_memory_is_refused(
    files: dict[tuple[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lics_actors.datafile.archive.MAX_BYTES", 1000)
    with pytest.raises(FileError, match="would unpack to more than"):
        prove(files["two_choice", "csv"])


def test_what_is_no_file_of_a_run_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    with pytest.raises(FileError, match="neither NWB nor an archive"):
        prove(tmp_path / "a.txt")
    with h5py.File(tmp_path / "other.nwb", "w") as file:
        file["x"] = 1
    with pytest.raises(FileError, match="holds no record of a run"):
        prove(tmp_path / "other.nwb")
    (tmp_path / "cut.nwb").write_bytes((tmp_path / "other.nwb").read_bytes()[:100])
    with pytest.raises(FileError, match="cannot be read as NWB"):
        prove(tmp_path / "cut.nwb")
