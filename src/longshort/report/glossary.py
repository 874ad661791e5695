"""What the words on a page mean: exactly for one evaluation, and in plain words for everybody."""

from __future__ import annotations

from longshort.records import Comparison, Evaluation
from longshort.report.numerals import count, percent
from longshort.report.theme import listed

Scored = Evaluation | Comparison


def measures_defined(evaluation: Scored) -> list[str]:
    """How each measure was computed here, a sentence or two each."""
    level = percent(evaluation.level, 0)
    apart = count(evaluation.mase_season, "step")
    methods = dict.fromkeys(evaluation.reference.values())
    if len(methods) == 1:
        against = f"“{next(iter(methods))}”"
    else:
        against = listed([f"“{m}” for {t}" for t, m in evaluation.reference.items()])
    notes = [
        f"Every number is a mean over {count(evaluation.origins, 'origin')} and "
        f"{count(evaluation.horizon, 'step')} ahead in the test part, the same for every method; "
        "values that are missing are left out.",
        f"MASE is the MAE divided by the mean absolute difference of values {apart} apart in the "
        "training part.",
        "CRPS is twice the mean quantile (pinball) loss over the forecast's quantile levels. It is "
        "also the weighted interval score, the sum of dispersion (width), overprediction (the "
        "truth below the interval) and underprediction (above it).",
        "RMSSE is the RMSE divided by the root mean square of the same differences as MASE. sMAPE "
        "is the mean of 2 |error| ÷ (|truth| + |forecast|), from 0 to 2; MAPE the mean of "
        "|error| ÷ |truth| where the truth is not 0; WAPE and WQL are the sums of absolute errors "
        "and of CRPS divided by the sum of |truth|. Direction is the share of moves from the last "
        "known value whose direction was foreseen; a forecast of no move counts as half right.",
        f"Intervals are central and meant to hold {level} of the values; coverage is the share "
        "that they held, width their mean size.",
    ]
    if evaluation.reference:
        notes.append(
            f"Skill is 1 − MAE ÷ the MAE of {against}, the best method without fitted parameters "
            "on the validation part. Its brackets are a 95 % interval from a block bootstrap over "
            "origins: where they include 0, the difference may be chance.",
        )
    return notes


def comparison_glossary(comparison: Comparison) -> dict[str, str]:
    """Words a reader of a comparison meets, in plain language."""
    common = words_of_scores(comparison)
    del common["Calibration"]
    return common | {
        "Configuration, seed": (
            "A configuration is a network and how it is trained. Training begins with random "
            "numbers, drawn from a seed: another seed gives another network of the same kind, a "
            "little better or worse. One fit says little about which kind is better."
        ),
        "p": (
            "How often two methods that are equally good would look as different as these, by "
            "chance alone. Small means: hardly chance."
        ),
    }


def words_of_scores(evaluation: Scored) -> dict[str, str]:
    """Words that every page with scores needs."""
    level = percent(evaluation.level, 0)
    return {
        "Training, validation and test part": (
            "The data are cut by time. The LSTM learns from the training part; choices, such as "
            "when to stop, are made on the validation part; the test part is used once, at the "
            "end, for the scores here."
        ),
        "Origin, step ahead, horizon": (
            "A forecast is made at an origin, knowing only what came before it. Step 1 is the "
            "next value, step 2 the one after; the horizon is how many steps are forecast. "
            "Forecasts usually get worse with every step."
        ),
        "Yardsticks": (
            "Simple and classical methods that forecast the same values. “Naive” ones need no "
            "training, such as repeating the last value, or the value one season ago. An LSTM "
            "that does not beat them is not worth its cost."
        ),
        "MAE and RMSE": (
            "The mean absolute error: how far off a forecast is on average, in the target's own "
            "unit. The root mean square error counts large misses more."
        ),
        "MASE": (
            "The MAE without a unit, so that series can be compared: 1 is the error of a naive "
            "forecast in the training part, below 1 is better."
        ),
        "CRPS": (
            "How good the whole forecast is, uncertainty included, in the target's own unit: it "
            "is small when the range of likely values is both narrow and right."
        ),
        f"{level} interval, coverage, width": (
            f"The range that should hold the true value {level} of the time. Coverage is how often "
            "it did; much less means overconfident, much more means too cautious. Among methods "
            "with about the right coverage, the narrower interval is the better one."
        ),
        "Skill": (
            "How much smaller the error is than that of the best naive method: +10 % means a tenth "
            "of the error is gone, 0 % no gain, below 0 % worse. The brackets say how sure that is."
        ),
        "Calibration": (
            "A forecast also names quantiles: the 10 % quantile is a value that the truth should "
            "stay below one time in ten. A point above the diagonal means the truth stayed below "
            "that quantile more often than it should."
        ),
    }


def glossary(evaluation: Evaluation) -> dict[str, str]:
    """Words a reader of an evaluation meets, in plain language."""
    words = words_of_scores(evaluation)
    if evaluation.history.epochs:
        words["Epoch, loss, network"] = (
            "An epoch is one pass over the training part; the loss is what training makes "
            "smaller. When the validation loss no longer falls, the network has begun to learn by "
            "heart, and the weights of its best epoch are kept. Several networks, trained from "
            "different beginnings, are averaged."
        )
    return words
