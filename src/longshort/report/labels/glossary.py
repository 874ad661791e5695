"""What the words on a page of labels mean, in plain words for everybody."""

from __future__ import annotations

from longshort.records import LabelEvaluation
from longshort.report.numerals import count

_TAGS = {
    "Entity, precision, recall, F1": (
        "An entity is a run of words with a type, such as a person's name. It counts as found only "
        "if its first word, its last word and its type are all right. Precision is the share of "
        "found entities that are right, recall the share of true ones that were found, F1 the "
        "harmonic mean of both."
    ),
    "Token accuracy": (
        "The share of single words whose tag is right. Most words belong to no entity, so it is "
        "high for a method that finds none."
    ),
}
_CLASSES = {
    "Accuracy, macro-F1, balanced accuracy": (
        "Accuracy is the share of items told right. Where some classes are rare, a method that "
        "never tells them can still be accurate: balanced accuracy is the mean over classes of the "
        "share told right, and macro-F1 the mean over classes of F1, so that each class counts "
        "alike."
    ),
    "Precision, recall, F1": (
        "Of a class: precision is the share of items called so that are so, recall the share of "
        "items that are so that were called so, F1 the harmonic mean of both."
    ),
    "AUROC, AUPRC": (
        "How well items of a class are ranked before all others, whatever the threshold. AUROC is "
        "the chance that one of the class is ranked before one that is not: 50 % is a coin. AUPRC "
        "is the mean precision over all thresholds: a coin has the class's share."
    ),
    "Log-loss, Brier score": (
        "How good the probabilities are. Log-loss is the mean of -log of what the truth was given; "
        "the Brier score the mean squared error of the probabilities. Both punish a method that is "
        "sure and wrong."
    ),
    "Calibration": (
        "Of items told with 80 % probability, 80 % should be right. The curve shows it in bins of "
        "equal numbers of items; the calibration error is how far the bins are off, weighted by "
        "their items."
    ),
}


def glossary(evaluation: LabelEvaluation) -> dict[str, str]:
    """Words a reader of an evaluation meets."""
    words = {
        "Training, validation and test part": (
            "The network and every yardstick learn from the training part; choices, such as when "
            "to stop, are made on the validation part; the test part is used once, at the end, for "
            "the scores here."
        ),
        "Yardsticks": (
            "Simple and classical methods that are given the same items. One that does not look at "
            "them at all, such as telling the most frequent class, is a rule. An LSTM that does "
            "not beat them is not worth its cost."
        ),
        **(_TAGS if evaluation.task == "tag" else _CLASSES),
    }
    if evaluation.history.epochs:
        words["Epoch, loss, network"] = (
            "An epoch is one pass over the training part; the loss is what training makes smaller. "
            "When the validation loss no longer falls, the network has begun to learn by heart, "
            "and the weights of its best epoch are kept."
        )
    return words


def measures_defined(evaluation: LabelEvaluation) -> list[str]:
    """How each measure was computed here, a sentence or two each."""
    unit = "item"
    if evaluation.groups is not None:
        unit = "group"
    drawn = count(evaluation.groups or evaluation.items, unit)
    notes = [
        f"Brackets are 95 % intervals of a bootstrap over {drawn} of the test part; the same draws "
        "are used for every method, so that differences are paired. Where an interval of a "
        "difference includes 0, it may be chance.",
    ]
    if evaluation.task == "tag":
        return notes
    if evaluation.positive is not None:
        notes.append(
            f"AUROC, AUPRC and the calibration curve are about the class “{evaluation.positive}”. "
            "The Brier score is the squared error of its probability."
        )
    elif evaluation.kind == "many":
        notes.append(
            "Each label is judged by itself, told where its probability is above 50 %; accuracy is "
            "the share of items with all labels right."
        )
    else:
        notes.append(
            "AUROC and AUPRC are means over classes, each against all others; the calibration "
            "curve is about the most probable class; the Brier score sums over classes."
        )
    notes.append(
        "The calibration error is the mean distance of observed shares from mean probabilities "
        "over at most 10 bins of equal mass. It has no interval: a resample's is greater than that "
        "of the items it was drawn from."
    )
    return notes
