"""What a forecaster learns of its series before it trains a network: all from the training part."""

from __future__ import annotations

import numpy as np

from longshort.data.codecs.categories import Vocabulary
from longshort.data.codecs.numbers import NumberCodec
from longshort.data.encoding import Encoding
from longshort.data.sequences import Sequences
from longshort.data.splits import Cuts
from longshort.data.steps import Ints
from longshort.data.window import Window, choose_cycles
from longshort.data.windows import Windows
from longshort.errors import DataError
from longshort.yardsticks.seasons import find_season


def encode(
    sequences: Sequences, cuts: Cuts, codec: NumberCodec, window: Window, horizon: int, context: int
) -> Encoding:
    """How series become numbers for a network.

    Raises:
        ArgumentError: numbers of 32 bits cannot tell a column's values apart at its scale.
    """
    training = sequences.crop(0, cuts.valid_start)
    codec.check_digits(training)
    gaps = np.asarray(np.isnan(training.plain().values).any(axis=0)).tolist()
    return Encoding(
        codec,
        context,
        horizon,
        window.relative,
        window.season or find_season(training, horizon),
        choose_cycles(sequences, window),
        tuple(field.name for field, gap in zip(sequences.numbers, gaps, strict=True) if gap),
        sequences.spacing,
        sequences.clock,
        Vocabulary.fit(sequences, cuts.valid_start),
        differences=window.differences,
    )


def cut_windows(
    sequences: Sequences, encoding: Encoding, cuts: Cuts
) -> tuple[Windows, Windows, Windows]:
    """Windows whose horizons lie in the training part, the validation part, and both."""
    context = np.full(len(sequences), encoding.context)

    def windows(start: Ints, stop: Ints) -> Windows:
        first = np.maximum(start, context)
        return Windows(sequences, encoding, first, stop - encoding.horizon + 1)

    return (
        windows(context, cuts.valid_start),
        windows(cuts.valid_start, cuts.test_start),
        windows(context, cuts.test_start),
    )


def after_windows(sequences: Sequences, encoding: Encoding, cuts: Cuts, until: str) -> Windows:
    """Windows of the test part: all rows after those that were seen, which ``until`` tells of.

    Raises:
        DataError: there are none.
    """
    first = np.maximum(cuts.test_start, encoding.context)
    test = Windows(sequences, encoding, first, cuts.end - encoding.horizon + 1)
    if not len(test):
        raise DataError(
            f"{sequences.source}: no {encoding.horizon} rows come after those the model has seen "
            f"(up to {until}). Evaluate on data that go on, or fit with Split(test=...), which "
            "leaves a part unseen."
        )
    return test
