"""The parts of the page, in the order they are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from longshort.records import Evaluation, Explanation, FieldSummary, History, Tuning
from longshort.report.charts import one_step_chart, origins_chart
from longshort.report.curves import calibration_chart, horizon_chart, training_chart
from longshort.report.glossary import Scored, glossary, measures_defined
from longshort.report.layout import WIDE
from longshort.report.leanings import (
    columns_chart,
    exchange_chart,
    places_chart,
    strongest,
    summary,
)
from longshort.report.markup import (
    facts,
    figure,
    folded,
    items,
    numeral,
    paragraph,
    scrolled,
    section,
    table,
    text,
    words_explained,
    wordy,
)
from longshort.report.numerals import count, duration, number, percent, share
from longshort.report.runs import HAPPENINGS, runs_of
from longshort.report.table import (
    REST,
    ScoreCell,
    ScoreColumn,
    ScoreRow,
    ScoreTable,
    score_table,
)
from longshort.report.theme import listed, lstm_name
from longshort.report.timeline import one_step_panels
from longshort.report.trials import TRIAL_COLUMNS, importance_rows, trial_rows

# points drawn over the test part, on a screen and on a phone; columns of the data
# and incidents of training listed
_MOST_POINTS, _FEWER_POINTS, _MOST_FIELDS, _MOST_EVENTS = 2000, 1000, 60, 100

_PARTS = {"train": "training", "valid": "validation"}
_GAPS = {
    "missing": "rows added, their values missing",
    "previous": "rows added, the previous value repeated",
    "linear": "rows added, their values on the line between neighbours",
    "ignore": "passed over: rows count as equally spaced",
}


def heading(evaluation: Evaluation) -> str:
    """What was forecast, from what, how far; and the verdict."""
    data = evaluation.data
    steps = count(evaluation.horizon, "step")
    ahead = f"{steps} of {data.step} ahead" if data.step else f"{steps} ahead"
    test = [part for part in data.parts if part.name == "test"]
    about = [data.source, ahead, count(evaluation.origins, "forecast origin")]
    about += [f"test part {part.start} to {part.end}" for part in test]
    return "\n".join(
        [
            "<header>",
            f"<h1>{text(title(evaluation))}</h1>",
            f'<p class="source">{text(" · ".join(word for word in about if word))}</p>',
            paragraph(evaluation.verdict, "verdict") if evaluation.verdict else "",
            "</header>",
        ]
    )


def title(evaluation: Evaluation) -> str:
    """The task and its targets."""
    task = evaluation.task[:1].upper() + evaluation.task[1:]
    return f"{task}: {listed(evaluation.targets)}"


def scores(evaluation: Scored) -> str:
    """Every method on every target: the main scores, and the others folded away."""
    shown = score_table(evaluation)
    caption = (
        f"Means over {count(evaluation.origins, 'origin')} and "
        f"{count(evaluation.horizon, 'step')} ahead in the test part. The best value of a column "
        "is bold and underlined. Skill is against the best naive method, with its 95 % interval."
    )
    if not shown.rows:
        return section("scores", "Scores", paragraph("The record holds no scores.", "none"))
    whole = scrolled(_score_table(shown), "Scores")
    others = scrolled(_score_table(score_table(evaluation, REST)), "Other scores")
    rest = folded("Other scores", others)
    return section("scores", "Scores", whole, paragraph(caption, "caption"), rest)


def forecasts(evaluation: Evaluation) -> str:
    """Forecasts against what happened: the test part one step ahead, then a few fans."""
    ours, level = lstm_name(evaluation), percent(evaluation.level, 0)
    panels = one_step_panels(evaluation, _MOST_POINTS)
    drawn, total = sum(len(p.points) for p in panels), sum(p.total for p in panels)
    caption = (
        f"What happened beside the forecast made one step before ({ours}). About {level} of what "
        "happened should lie inside the band."
    )
    if drawn < total:
        caption += (
            f" Drawn are {drawn:,} of {total:,} points, taken evenly along time (fewer on a narrow "
            "screen); the scores use all of them."
        )
    series = len({panel.series for panel in panels})
    if series < evaluation.data.series:
        caption += f" Shown: the first {series} of {evaluation.data.series:,} series."
    one = figure(
        "one-step",
        lambda w: one_step_chart(
            evaluation, width=w, most_points=_MOST_POINTS if w >= WIDE else _FEWER_POINTS
        ),
        caption,
    )
    if evaluation.horizon < 2:
        return section("forecasts", "Forecasts against what happened", one)
    fans = figure(
        "origins",
        lambda w: origins_chart(evaluation, width=w, per_target=3 if w >= WIDE else 2),
        f"Forecasts of all {evaluation.horizon} steps from a few origins, spread evenly over the "
        "test part and not picked by how good they are. The dashed line marks the origin: what "
        "lies right of it was not known when the forecast was made.",
    )
    return section("forecasts", "Forecasts against what happened", one, fans)


def horizon(evaluation: Evaluation) -> str:
    """Error by steps ahead."""
    if evaluation.horizon < 2:
        return ""
    chart = figure(
        "horizon",
        lambda w: horizon_chart(evaluation, width=w),
        "Mean absolute error at each step ahead, every method; lower is better.",
    )
    return section("horizon", "Error by steps ahead", chart)


def calibration(evaluation: Evaluation) -> str:
    """Nominal and observed quantile levels, and coverage by step."""
    level = percent(evaluation.level, 0)
    quantiles = figure(
        "calibration",
        lambda w: calibration_chart(evaluation, width=w),
        "How often the truth stayed below each forecast quantile, against how often it should "
        "have: the nearer to the grey diagonal, the better.",
    )
    coverage = ""
    if evaluation.horizon > 1 and evaluation.steps:
        coverage = figure(
            "coverage",
            lambda w: horizon_chart(evaluation, measure="coverage", width=w),
            f"Share of the truth inside the {level} interval at each step ahead: the nearer to "
            f"the grey line at {level}, the better.",
        )
    return section("calibration", "Calibration", quantiles, coverage, *_coverages(evaluation))


def _coverages(evaluation: Evaluation) -> Iterator[str]:
    """The LSTM's coverage with its interval: over all steps, and at each one folded away."""
    told = [s for s in evaluation.scores if s.kind == "lstm" and s.coverage_low is not None]
    if not told:
        return
    shown = [f"{s.target} {share(s.coverage, s.coverage_low, s.coverage_high)}" for s in told]
    yield paragraph(
        f"Coverage of the {lstm_name(evaluation)}'s {percent(evaluation.level, 0)} interval with "
        f"its 95 % interval from a block bootstrap over origins: {listed(shown)}.",
        "caption",
    )
    rows = [
        (s.target, str(s.step), share(s.coverage, s.coverage_low, s.coverage_high))
        for s in evaluation.steps
        if s.coverage_low is not None
    ]
    if evaluation.horizon > 1 and rows:
        listing = table(("target", "step ahead", "coverage"), rows, 2, "Coverage by step")
        yield folded("Coverage at each step ahead", listing)


def leaning(explanation: Explanation | None) -> str:
    """Which columns the forecasts lean on, where in time, and what is lost without them."""
    if explanation is None:
        return ""
    return section("leaning", "What the forecasts lean on", *leaning_parts(explanation))


def leaning_parts(explanation: Explanation) -> Iterator[str]:
    """The same without its title."""
    yield paragraph(" ".join(summary(explanation)))
    shown = count(explanation.windows, "window")
    yield figure(
        "columns",
        lambda w: columns_chart(explanation, width=w),
        f"Each column's share of the mean size of integrated gradients over {shown} of the "
        "validation part: how far the column's values, at any row, moved the forecast away from "
        "that at the training part's mean. All columns together are 100 %.",
    )
    yield figure(
        "places",
        lambda w: places_chart(explanation, width=w),
        "The same shares row by row: the stronger the colour, the more. Rows left of the dashed "
        "line were known when the forecast was made, the last of them at -1; right of it stands "
        "what is known in advance.",
    )
    yield figure(
        "exchanged",
        lambda w: exchange_chart(explanation, width=w),
        f"How much the mean absolute error rises when a column's values are taken from other "
        f"windows, over {count(explanation.exchanged, 'window')} of the validation part. The value "
        "that a forecast is told relative to stays. Columns that say the same stand in for each "
        "other here.",
    )
    rows = [
        (target, column, where, f"{step:,}", percent(share))
        for target in explanation.targets
        for step in explanation.steps
        for column, where, share in strongest(explanation, target, step)
    ]
    header = ("target", "column", "where", "step ahead", "share")
    yield folded("What weighs most, in numbers", table(header, rows, 2, "What weighs most"))
    yield paragraph(
        "What a forecast leans on is how this network works, and not what causes what in the "
        "world. The attributions add up to the forecasts' differences from the baseline but for "
        f"{percent(explanation.gap, 2)}.",
        "caption",
    )


def training(history: History) -> str:
    """Loss by epoch, and what became of each network."""
    chart = figure(
        "training",
        lambda w: training_chart(history, width=w),
        "A line per network. The dot marks the epoch whose weights were kept.",
    )
    rows, events = [], []
    for run in runs_of(history):
        events += [
            (run.name, HAPPENINGS[event.kind], event.text, f"{place:,}", f"{event.batch:,}")
            for place, event in run.events
        ]
        best = run.best
        rows.append(
            (
                run.name,
                run.stop or "–",
                f"{len(run.epochs):,}",
                f"{run.kept:,}" if run.kept else "–",
                number(best.train_loss if best else None),
                number(best.valid_loss if best else None),
                duration(run.seconds),
            )
        )
    header = ("network", "ended", "epochs", "kept", "training loss", "validation loss", "time")
    listing = table(header, rows, 5, "Training runs") if rows else ""
    return section("training", "Training", chart, listing, *_incidents(events))


def tuning(found: Tuning | None) -> str:
    """The trials that settings were chosen by, and what mattered."""
    if found is None:
        return ""
    said = (
        f"The settings are those of the best of {count(len(found.trials), 'trial')}, each of one "
        "network, by its loss on the validation part. The test part stayed shut. Trial 1 has the "
        "settings that the search was given."
    )
    trials = table(TRIAL_COLUMNS, trial_rows(found), 3, "Trials")
    blocks = [paragraph(said), wordy(trials)]
    if found.importance:
        header = ("setting", "chosen", "importance")
        blocks += [
            "<h3>What mattered</h3>",
            table(header, importance_rows(found), 1, "Importance of settings"),
            paragraph(
                "Importance is a setting's share of what the losses of all finished trials vary by "
                "(functional ANOVA); settings that hardly matter here may matter elsewhere.",
                "caption",
            ),
        ]
    return section("tuning", "Tuning", *blocks)


def _incidents(events: Sequence[Sequence[str]]) -> Iterator[str]:
    """What went wrong in training and was got over, in the order it happened."""
    if not events:
        return
    yield "<h3>What happened on the way</h3>"
    yield paragraph(
        "Training got over each of these by itself: it went back to the last good state and on at "
        "half the rate, or read its batches in smaller parts, which changes no result.",
        "caption",
    )
    header = ("network", "what", "in words", "epoch", "batch")
    shown = table(header, events[:_MOST_EVENTS], 2, "What happened on the way")
    yield wordy(shown)
    if len(events) > _MOST_EVENTS:
        yield paragraph(f"And {count(len(events) - _MOST_EVENTS, 'more', 'more')}.", "caption")


def data(evaluation: Scored) -> str:
    """What was read and how it was split."""
    read = evaluation.data
    about = {
        "source": read.source,
        "series": f"{read.series:,}",
        "rows": f"{read.rows:,}",
        "time step": read.step or "none (rows are in order)",
        "absent time stamps": _GAPS.get(read.fill, read.fill),
    }
    parts = [
        (_PARTS.get(p.name, p.name), p.start, p.end, f"{p.rows:,}", f"{p.origins:,}")
        for p in read.parts
    ]
    blocks = [facts(about)]
    if parts:
        header = ("part", "from", "to", "rows", "origins")
        blocks += ["<h3>Parts</h3>", table(header, parts, 2, "Parts of the data")]
    return section("data", "Data", *blocks, *columns_table(read.fields))


def columns_table(read: Sequence[FieldSummary]) -> Iterator[str]:
    """The columns that were read, with what they range over."""
    fields = [
        (f.name, f.role, f.unit, f"{f.missing:,}", number(f.low), number(f.mean), number(f.high))
        for f in read
    ]
    if fields:
        names = ("column", "role", "unit", "missing", "least", "mean", "greatest")
        yield "<h3>Columns</h3>"
        yield table(names, fields[:_MOST_FIELDS], 4, "Columns")
    if len(fields) > _MOST_FIELDS:
        more = f"And {count(len(fields) - _MOST_FIELDS, 'more column', 'more columns')}."
        yield paragraph(more, "caption")


def ending(evaluation: Evaluation) -> Iterator[str]:
    """Settings, environment, notes and glossary."""
    yield recorded("settings", evaluation.settings)
    yield recorded("environment", evaluation.environment)
    yield section("notes", "Notes", items([*evaluation.notes, *measures_defined(evaluation)]))
    yield section("reading", "How to read this", words_explained(glossary(evaluation)))


def recorded(name: str, kept: Mapping[str, str]) -> str:
    """Settings, or an environment, by name."""
    inner = facts(kept) if kept else paragraph("None recorded.", "none")
    return section(name, name.capitalize(), inner)


def _score_table(shown: ScoreTable) -> str:
    head = "".join(score_heading(column) for column in shown.columns)
    bodies = []
    for target, rows in groupby(shown.rows, key=lambda row: (row.target, row.unit)):
        bodies.append(_score_body(*target, list(rows), shown.columns))
    return (
        f'<table class="scores">\n<thead><tr><th scope="col">method</th>{head}</tr></thead>\n'
        + "\n".join(bodies)
        + "\n</table>"
    )


def score_heading(column: ScoreColumn) -> str:
    """A heading with a hint on which way is better."""
    return f'<th scope="col" class="n">{text(column.name)}<small>{text(column.hint)}</small></th>'


def _score_body(
    target: str, unit: str, rows: list[ScoreRow], columns: tuple[ScoreColumn, ...]
) -> str:
    measured = listed([c.name for c in columns if c.in_unit])
    note = f" <span>{text(measured)} in {text(unit)}</span>" if unit else ""
    lines = [
        "<tbody>",
        f'<tr class="group"><th scope="rowgroup" colspan="{len(columns) + 1}">'
        f"<div>{text(target)}{note}</div></th></tr>",
    ]
    for row in rows:
        cells = "".join(score_cell(cell) for cell in row.cells)
        kind = ' class="ours"' if row.kind == "lstm" else ""
        lines.append(f'<tr{kind}><th scope="row">{text(row.method)}</th>{cells}</tr>')
    return "\n".join([*lines, "</tbody>"])


def score_cell(cell: ScoreCell) -> str:
    """A number, its interval small, the best one marked."""
    value, _, interval = cell.text.partition(" [")
    shown = numeral(value)
    if cell.best:
        shown = f'<b>{shown}</b><i class="hidden"> (best)</i>'
    if interval:
        shown += f" <small>[{numeral(interval)}</small>"
    return f'<td class="n">{shown}</td>'
