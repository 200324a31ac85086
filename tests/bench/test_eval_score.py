"""Rules of scoring: ranges, unsure, "*", photos, people without a row."""

from pathlib import Path

import pytest

from bench.eval_cli import as_object
from bench.eval_score import Assertion, Score, score
from bench.eval_truth import Row, TruthUnusable, read_truth

TIMES = {"film.mp4": [index / 10 for index in range(100)]}
TRUTH = """file,frame_from,frame_to,person_id,present,note
film.mp4,10,49,staff/ada,1,
film.mp4,50,59,*,unsure,a cut
film.mp4,60,99,staff/ada,0,
film.mp4,60,99,staff/bo,1,
film.mp4,0,9,staff/cy,unsure,
photo.jpg,,,staff/ada,1,
crowd.jpg,,,*,0,nobody enrolled
lobby.jpg,,,*,1,somebody
"""


@pytest.fixture
def rows(tmp_path: Path) -> list[Row]:
    path = tmp_path / "truth.csv"
    path.write_text(TRUTH, "utf-8")
    return read_truth(path)


def judged(rows: list[Row], *said: Assertion) -> Score:
    return score(rows, said, TIMES)


def film(person: str, frame: int, delay_s: float = -1.0) -> Assertion:
    return Assertion("film.mp4", f"staff/{person}", frame, delay_s)


def test_found_in_range_with_time_from_the_rows_first_frame(rows: list[Row]) -> None:
    result = judged(rows, film("ada", 30), film("ada", 16, 0.25), film("bo", 60))
    assert (result.found, len(result.appearances), result.wrong) == (2, 4, ())
    ada, bo = result.appearances[:2]
    assert ada.after_s == pytest.approx(0.6)
    assert ada.card_after_s == pytest.approx(0.85)
    assert (bo.after_s, bo.card_after_s) == (0, -1)
    assert result.time_to_find_p50_s == pytest.approx(0.3)
    assert result.time_to_card_p50_s == pytest.approx(0.85)


def test_wrong_where_his_row_says_absent_and_where_he_has_no_row(rows: list[Row]) -> None:
    result = judged(rows, film("ada", 70), film("bo", 20), film("ada", 5), Assertion("photo.jpg", "staff/bo", 0))
    assert [(one.person_id, one.frame) for one in result.wrong] == [
        ("staff/ada", 5),
        ("staff/bo", 20),
        ("staff/ada", 70),
        ("staff/bo", 0),
    ]
    assert result.precision == 0


def test_saying_the_same_wrong_thing_again_counts_once(rows: list[Row]) -> None:
    assert len(judged(rows, film("ada", 70), film("ada", 80), film("bo", 20), film("bo", 25)).wrong) == 2


def test_unsure_is_not_scored_for_him_or_for_everybody(rows: list[Row]) -> None:
    result = judged(rows, film("cy", 3), film("ada", 55), film("bo", 50))
    assert (result.found, result.wrong) == (0, ())
    assert len(judged(rows, film("cy", 10)).wrong) == 1


def test_photos_have_no_time(rows: list[Row]) -> None:
    result = judged(rows, Assertion("photo.jpg", "staff/ada", 0))
    assert (result.found, result.time_to_find_p50_s) == (1, -1)


def test_star_means_anybody(rows: list[Row]) -> None:
    result = judged(rows, Assertion("crowd.jpg", "staff/bo", 0), Assertion("lobby.jpg", "staff/cy", 0))
    assert result.found == 1
    assert [one.file for one in result.wrong] == ["crowd.jpg"]
    assert result.precision == 0.5


def test_his_own_row_counts_before_the_row_about_anybody(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text(
        "file,frame_from,frame_to,person_id,present\nf,0,9,staff/ada,1\nf,0,99,*,0\nf,20,29,staff/bo,0\nf,0,99,*,unsure"
    )
    result = score(read_truth(path), [Assertion("f", "staff/ada", 5), Assertion("f", "staff/bo", 22)], {"f": [0.0]})
    assert (result.found, result.wrong) == (1, ())


def test_nothing_measured_is_minus_one() -> None:
    empty = score([], [], {})
    assert (empty.recall, empty.precision, empty.time_to_find_p50_s) == (-1, -1, -1)


def test_the_object_has_the_fixed_keys_and_only_numbers_in_them(rows: list[Row]) -> None:
    found = as_object(judged(rows, film("ada", 12)))
    keys = ("appearances", "found", "missed", "wrong", "recall", "precision", "time_to_find_p50_s")
    assert [found[key] for key in keys] == [4, 1, 3, 0, 0.25, 1, 0.2]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("file,person_id\n", "'frame_from' is missing"),
        ("file,frame_from,frame_to,person_id,present\n", "no row"),
        ("file,frame_from,frame_to,person_id,present\nf,a,2,p,1\n", "line 2: frames must be whole numbers"),
        ("file,frame_from,frame_to,person_id,present\nf,5,2,p,1\n", "is no range"),
        ("file,frame_from,frame_to,person_id,present\nf,1,2,p,maybe\n", "must be 1, 0 or unsure"),
        ("file,frame_from,frame_to,person_id,present\n,1,2,p,1\n", "must not be blank"),
    ],
)
def test_truth_that_makes_no_sense_is_one_clear_line(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "truth.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(TruthUnusable, match=complaint):
        read_truth(path)


def test_a_missing_truth_file(tmp_path: Path) -> None:
    with pytest.raises(TruthUnusable, match="cannot be read"):
        read_truth(tmp_path / "nowhere.csv")
