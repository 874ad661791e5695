"""Folds of a rolling evaluation: who was how good when."""

from __future__ import annotations

from longshort.records import Evaluation
from longshort.report.markup import paragraph, section, table, text
from longshort.report.numerals import column, count, gain, percent
from longshort.report.theme import lstm_name


def fold_table(
    evaluation: Evaluation, target: str
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Header and rows: the mean absolute error of each method (rows) in each fold (columns)."""
    header = ("method", *(fold.start for fold in evaluation.folds))
    methods = [score.method for score in evaluation.scores if score.target == target]
    methods.sort(key=lambda name: name != lstm_name(evaluation))
    found = {
        (score.method, at): score.mae
        for at, fold in enumerate(evaluation.folds)
        for score in fold.scores
        if score.target == target
    }
    places = range(len(evaluation.folds))
    columns = [column([found.get((method, at)) for method in methods]) for at in places]
    rows = [(method, *(own[number] for own in columns)) for number, method in enumerate(methods)]
    return header, rows


def folds(evaluation: Evaluation) -> str:
    """When each fold was, on how many rows methods were fitted, and how good they were."""
    if not evaluation.folds:
        return ""
    ours = lstm_name(evaluation)
    blocks = []
    for target in evaluation.targets:
        told = []
        for fold in evaluation.folds:
            own = next((s for s in fold.scores if (s.method, s.target) == (ours, target)), None)
            coverage = percent(None if own is None else own.coverage)
            skill = gain(None if own is None else own.skill, None, None)
            told.append(
                (fold.start, fold.end, f"{fold.rows:,}", f"{fold.origins:,}", skill, coverage)
            )
        header = ("from", "to", "rows before", "origins", "skill", "coverage")
        name = f"{ours} on {target}"
        blocks += [f"<h3>{text(name)}</h3>", table(header, told, 4, f"Folds: {name}")]
        names, rows = fold_table(evaluation, target)
        blocks.append(table(names, rows, len(evaluation.folds), f"Error by fold: {target}"))
    caption = (
        f"The test part in {count(len(evaluation.folds), 'fold')}. First, how the "
        f"{lstm_name(evaluation)} did in each: its skill against the best naive method, and the "
        "coverage of its interval. Then the mean absolute error of every method in the fold that "
        "begins at the time above: a method that is better in one fold only may have been lucky."
    )
    return section("folds", "Fold by fold", *blocks, paragraph(caption, "caption"))
