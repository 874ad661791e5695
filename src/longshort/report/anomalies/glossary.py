"""What the words on a page of anomalies mean, and which usual scores are left out and why."""

from __future__ import annotations

from collections.abc import Iterator

from longshort.records import AnomalyEvaluation


def entries(evaluation: AnomalyEvaluation) -> Iterator[tuple[str, str]]:
    """Terms, each with a sentence or two."""
    unit = evaluation.data.unit
    yield (
        "Score, threshold, alarm",
        "A score says of each row how anomalous it is, from the rows up to it alone. An alarm is a "
        "run of rows whose score reaches the threshold. "
        + (f"The threshold: {evaluation.rule}. " if evaluation.rule else "")
        + "It is set without labels, on rows before the test part.",
    )
    if evaluation.labelled:
        yield from _scores(evaluation)
    yield (
        f"Alarms per {unit}",
        f"All alarms over all test rows, and those of them that meet no labelled row. "
        f"{'Without times, rates are told per 1,000 rows.' if unit != 'day' else ''}".strip(),
    )
    yield from _methods()
    if evaluation.resampled:
        yield (
            "Interval",
            f"A central 95 % interval over {evaluation.resampled} that were drawn again and again, "
            "the same for every method.",
        )


def _scores(evaluation: AnomalyEvaluation) -> Iterator[tuple[str, str]]:
    share = evaluation.data.share or 0.0
    yield (
        "AUC-PR and AUC-ROC",
        "How well scores tell labelled rows from others, over all thresholds: average precision "
        f"(a random score comes to the share of labelled rows, {share:.3f} here over all series) "
        "and the chance that a labelled row scores above another one (0.5 at random). Means over "
        "series with labelled rows.",
    )
    yield (
        "VUS-PR and VUS-ROC",
        "The same with labels that fade over a buffer on either side, averaged over all buffers "
        f"up to {evaluation.buffer} rows, because nobody knows to the row where an anomaly begins "
        "(Paparrizos et al. 2022).",
    )
    yield (
        "Event precision, recall and F1",
        "A labelled anomaly is found where an alarm shares a row with it; an alarm that shares "
        "none with any is false (Hundman et al. 2018). An alarm that never ends would find all: "
        "read it beside the share of alarmed rows.",
    )
    yield (
        "Affiliation precision, recall and F1",
        "How near alarms are to anomalies and anomalies to alarms, as the chance that a random row "
        "would be farther (Huet et al. 2022). Alarms at random come to 50 % and more.",
    )
    yield (
        "Range precision, recall and F1",
        "How much of each anomaly is alarmed, and of each alarm labelled; one that is told in "
        "pieces counts less (Tatbul et al. 2018, flat bias, reciprocal cardinality).",
    )
    yield (
        "Delay",
        "From the first row of an anomaly to the first alarmed row in it, the median of those that "
        "were found.",
    )
    yield (
        "NAB score",
        "Early detections earn, false ones cost, by Lavin and Ahmad 2015: 100 is perfect, 0 is "
        "silence. Each alarm is one detection at its first row. The published scoreboard chooses "
        "each detector's threshold on the labels it is scored by; thresholds here never see one.",
    )
    yield (
        "What is not here",
        "F1 after point adjustment, which calls all of an anomaly found once a single row of it is "
        "alarmed: random scores then beat trained detectors (Kim et al. 2022). And the best F1 "
        "over thresholds: that threshold is chosen on the labels it is judged by, so nobody can "
        "have it beforehand.",
    )


def _methods() -> Iterator[tuple[str, str]]:
    yield (
        "Yardsticks",
        "Random scores know nothing: what chance comes to. The rolling z-score and the windowed "
        "Gaussian compare a value with the rows before it, the seasonal residual with what is "
        "usual at that place of the season; PCA and the isolation forest read windows of rows. All "
        "are fitted on the training rows alone and look at nothing after a row.",
    )
