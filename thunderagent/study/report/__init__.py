"""Reports of studies: pictures, a page and tables, made from the data of a study alone."""

from __future__ import annotations

from pathlib import Path

from thunderagent.study.document import Study


def write_report(study: Study, folder: Path) -> list[Path]:
    """Write ``report.html``, ``study.json`` and a PNG for each picture; folders are made, files of the same names replaced.

    Returns:
        The paths of what was written, the page first.
    """
    # Here, so that whoever only prints tables need not load matplotlib.
    from thunderagent.study.report.canvas import save_png
    from thunderagent.study.report.page import page
    from thunderagent.study.report.pictures import study_pictures, timeline_pictures

    of_study, of_timelines = study_pictures(study), timeline_pictures(study)
    folder.mkdir(parents=True, exist_ok=True)
    report, document = folder / "report.html", folder / "study.json"
    report.write_text(page(study, of_study, of_timelines), encoding="utf-8", errors="replace")
    document.write_text(study.to_json(), encoding="utf-8")
    written = [report, document]
    for picture in [*of_study, *(picture for pictures in of_timelines for picture in pictures)]:
        written.append(folder / f"{picture.name}.png")
        save_png(picture.figure, written[-1])
    return written
