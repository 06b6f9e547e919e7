from __future__ import annotations

from tests.study.report.studies import batches, cell, study, swept, timeline
from thunderagent.study.report.pictures import study_pictures, timeline_pictures


def test_a_study_has_pictures_of_what_it_has_numbers_for() -> None:
    assert [picture.name for picture in study_pictures(swept())] == ["throughput", "hit-rate", "waits"]
    assert [picture.name for picture in study_pictures(batches())] == ["makespan"]
    assert study_pictures(study()) == []


def test_titles_say_what_is_seen() -> None:
    assert study_pictures(swept())[0].title == "Throughput against load"
    assert study_pictures(study(cell("tr", steps_per_min=1.0)))[0].title == "Throughput"


def test_who_does_not_see_a_picture_is_told_its_numbers() -> None:
    assert study_pictures(swept())[0].alternative == (
        "Throughput against load. throughput: swe, load 4: engine alone 100, thunder 310, bound 400."
    )


def test_pictures_of_a_timeline_are_named_by_what_they_show() -> None:
    (pictures,) = timeline_pictures(study(timelines=[timeline()]))

    assert [picture.name for picture in pictures] == ["occupancy-swe-thunder", "programs-swe-thunder"]


def test_names_differ_where_timelines_do() -> None:
    timelines = [timeline(), timeline(seed=2), timeline(seed=2), timeline(policy="tr")]
    names = [picture.name for pictures in timeline_pictures(study(timelines=timelines)) for picture in pictures]

    assert len(set(names)) == 8
    assert "occupancy-swe-thunder-load4-seed1" in names
    assert "occupancy-swe-tr" in names


def test_a_timeline_without_data_has_no_pictures() -> None:
    assert timeline_pictures(study(timelines=[timeline(engines=[], tracks=[])])) == [[]]
