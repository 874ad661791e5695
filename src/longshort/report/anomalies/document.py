"""The report of a detector: one HTML page that needs nothing but itself."""

from __future__ import annotations

from functools import partial

from longshort.records import AnomalyEvaluation, Marked, Shown, Watched
from longshort.report.anomalies.charts import stretch_chart
from longshort.report.anomalies.glossary import entries
from longshort.report.anomalies.rates import rates_chart
from longshort.report.anomalies.scores import (
    GROUPS,
    anomaly_table,
    difference_rows,
    series_rows,
    words,
)
from longshort.report.document import whole
from longshort.report.labels.sections import scores_table
from longshort.report.markup import (
    facts,
    figure,
    folded,
    items,
    paragraph,
    scrolled,
    section,
    table,
    text,
    words_explained,
    zoomed,
)
from longshort.report.numerals import NOTHING, count, duration, number, percent
from longshort.report.sections import columns_table, recorded, training, tuning

_LINKS = {
    "scores": "Scores",
    "watched": "Series",
    "shown": "Misses and false alarms",
    "rates": "Alarms and thresholds",
    "training": "Training",
    "tuning": "Tuning",
    "data": "Data",
    "settings": "Settings",
    "environment": "Environment",
    "notes": "Notes",
    "reading": "How to read this",
}
_PARTS = {"train": "training", "valid": "validation"}
# parts of a series seen closer; alarms and series that are listed
_CLOSER, _LISTED, _SERIES = 4, 60, 100


def anomaly_page(evaluation: AnomalyEvaluation) -> str:
    """The whole report of an evaluation of a detector as HTML text.

    In this order: source, verdict, scores beside every yardstick, series with scores, alarms and
    labels, the worst misses and false alarms, alarms at other thresholds, training, tuning, data,
    settings, environment, notes and a glossary. Without labels nothing is judged: series, alarms
    and their rates alone.
    """
    parts = {
        "scores": _scores(evaluation),
        "watched": _watched(evaluation),
        "shown": _shown(evaluation),
        "rates": _rates(evaluation),
        "training": training(evaluation.history),
        "tuning": tuning(evaluation.tuning),
        "data": _data(evaluation),
    }
    links = " ".join(
        f'<a href="#{name}">{told}</a>' for name, told in _LINKS.items() if parts.get(name, True)
    )
    data = evaluation.data
    tested = next((part.rows for part in data.parts if part.name == "test"), data.rows)
    about = [data.source, count(data.series, "series", "series"), f"{tested:,} rows tested"]
    if evaluation.labelled and data.events:
        about.append(count(data.events, "labelled anomaly", "labelled anomalies"))
    body = [
        "<header>",
        "<h1>Anomalies</h1>",
        f'<p class="source">{text(" · ".join(about))}</p>',
        paragraph(evaluation.verdict, "verdict") if evaluation.verdict else "",
        "</header>",
        f'<nav aria-label="Sections">{links}</nav>',
        *(part for part in parts.values() if part),
        recorded("settings", evaluation.settings),
        recorded("environment", evaluation.environment),
        section("notes", "Notes", items(evaluation.notes)),
        section("reading", "How to read this", words_explained(dict(entries(evaluation)))),
    ]
    return whole(f"Anomalies · {data.source}", body)


def _scores(evaluation: AnomalyEvaluation) -> str:
    shown = anomaly_table(evaluation)
    if not shown.rows:
        return section("scores", "Scores", paragraph("The record holds no scores.", "none"))
    if not evaluation.labelled:
        told = "Nothing is labelled, so there are no scores: only how often each method alarms."
        return section("scores", "Alarms", scrolled(scores_table(shown), "Alarms"),
                       paragraph(told, "caption"))  # fmt: skip
    within = f", with 95 % intervals over {evaluation.resampled}" if evaluation.resampled else ""
    caption = (
        f"Every method on the same rows{within}. The best value of a column is bold and "
        "underlined. Thresholds were set without labels."
    )
    blocks = [scrolled(scores_table(shown), "Scores"), paragraph(caption, "caption")]
    if evaluation.differences:
        ours = evaluation.ours.method if evaluation.ours else "ours"
        header = ("beside", f"{words(evaluation.metric, evaluation)}: {ours} minus it",
                  f"the {ours} is")  # fmt: skip
        rows = table(header, difference_rows(evaluation), 0, "Differences")
        blocks.append(folded("Differences", rows))
    for name, measures in GROUPS.items():
        inner = scrolled(scores_table(anomaly_table(evaluation, measures)), name)
        blocks.append(folded(name, inner))
    if len(evaluation.by_series) > 1:
        names = ("series", "rows", "labelled", "found", "false alarms",
                  words(evaluation.metric, evaluation))  # fmt: skip
        listed = table(names, series_rows(evaluation)[:_SERIES], 5, "Series")
        blocks.append(folded("Series by series", listed))
    return section("scores", "Scores", *blocks)


def _watched(evaluation: AnomalyEvaluation) -> str:
    if not evaluation.watched:
        return ""
    told = "Values, and below them the score with its threshold (dashed)."
    if evaluation.labelled:
        told += " Labelled anomalies are shaded; alarms stand above each panel."
    else:
        told += " Alarms stand above each panel."
    blocks = [paragraph(told)]
    drawn = len(evaluation.watched)
    if drawn < evaluation.data.series:
        blocks.append(
            paragraph(f"Drawn are {drawn} of {evaluation.data.series:,} series.", "caption")
        )
    for at, own in enumerate(evaluation.watched):
        blocks.append(
            zoomed(
                f"watched-{at}",
                partial(stretch_chart, own),
                partial(stretch_chart, own, parts=_CLOSER),
                _caption(own, evaluation.labelled),
            )
        )
        if own.alarms:
            listed = [_row(mark) for mark in own.alarms[:_LISTED]]
            header = ("from", "to", "meets an anomaly", "because of", "greatest score")
            inner = table(header, listed, 1, "Alarms")
            more = len(own.alarms) - len(listed)
            name = f"{count(len(own.alarms), 'alarm')}{f', {more:,} not listed' if more else ''}"
            blocks.append(folded(name, inner))
    return section("watched", "The series, and what was made of them", *blocks)


def _caption(own: Watched, labelled: bool) -> str:
    """What a series holds, in words."""
    told = f"{own.series}: " if own.series else ""
    told += count(len(own.alarms), "alarm")
    if not labelled:
        return f"{told} over {len(own.times) * own.every:,} rows."
    met = sum(mark.right is True for mark in own.labels)
    false = sum(mark.right is False for mark in own.alarms)
    amount = count(len(own.labels), "labelled anomaly", "labelled anomalies")
    return f"{told}, {false:,} of them false; {amount}, {met:,} met by an alarm."


def _row(mark: Marked) -> tuple[str, ...]:
    met = {None: NOTHING, True: "yes", False: "no"}[mark.right]
    return mark.start, mark.end, met, causes(mark), number(mark.score)


def causes(mark: Marked) -> str:
    """The channels that caused an alarm: "pressure 71 %, flow 29 %"."""
    shares = (f"{name} {percent(share, 0)}" for name, share in mark.channels.items())
    return ", ".join(shares) or NOTHING


def _shown(evaluation: AnomalyEvaluation) -> str:
    if not evaluation.shown:
        return ""
    blocks = []
    for fault, title in (("missed", "Missed"), ("false", "False alarms")):
        own = [each for each in evaluation.shown if each.fault == fault]
        if own:
            blocks.append(f"<h3>{title}</h3>")
        blocks += [_one(f"{fault}-{at}", each) for at, each in enumerate(own)]
    told = (
        "Of the labelled anomalies that no alarm met those whose score rose least, and of the "
        "alarms that met none those with the highest score above the threshold."
    )
    return section("shown", "The worst misses and false alarms", paragraph(told), *blocks)


def _one(name: str, each: Shown) -> str:
    at = each.at
    where = f"{each.around.series} · " if each.around.series else ""
    title = f"{where}{at.start} to {at.end}".replace("T", " ")
    levels = [level for level in each.around.thresholds if level is not None]
    beside = f", where the threshold is {number(min(levels))}" if levels else ""
    told = f"Greatest score {number(at.score)}{beside}."
    if at.channels and len(each.around.traces) > 1:
        told += f" Because of {causes(at)}."
    return figure(name, lambda width: stretch_chart(each.around, title=title, width=width), told)


def _rates(evaluation: AnomalyEvaluation) -> str:
    if not evaluation.rates:
        return ""
    caption = "What other thresholds would have come to, counted on the test part."
    ours = evaluation.ours
    if evaluation.expected is not None:
        caption += (
            f" The threshold was set for {number(evaluation.expected)} alarms per "
            f"{evaluation.data.unit} (level line)."
        )
    if ours is not None and ours.threshold is not None:
        caption += f" It is {number(ours.threshold)} (upright line)."
    elif evaluation.relative:
        caption += " It differs between series or rows: multiples of it are told, 1 is itself."
    if evaluation.labelled:
        caption += " The dot is what the alarms came to."
    chart = figure("rates", lambda width: rates_chart(evaluation, width=width), caption)
    return section("rates", "Alarms and thresholds", chart)


def _data(evaluation: AnomalyEvaluation) -> str:
    read = evaluation.data
    about = {
        "source": read.source,
        "series": f"{read.series:,}",
        "rows": f"{read.rows:,}, {read.spacing}",
    }
    if read.events is not None and read.labelled is not None:
        about["labelled in the test part"] = (
            f"{count(read.events, 'anomaly', 'anomalies')} in {read.labelled:,} series, "
            f"{percent(read.share)} of the rows"
        )
    rows = [
        (_PARTS.get(part.name, part.name), part.start, part.end, f"{part.rows:,}")
        for part in read.parts
    ]
    blocks = [facts(about)]
    if rows:
        blocks += ["<h3>Parts</h3>", table(("part", "from", "to", "rows"), rows, 1, "Parts")]
    costs = [
        (each.method, duration(each.seconds))
        for each in evaluation.scores
        if each.seconds is not None
    ]
    if costs:
        inner = table(("method", "time to fit"), costs, 1, "Time to fit")
        blocks.append(folded("Time to fit", inner))
    return section("data", "Data", *blocks, *columns_table(read.fields))
