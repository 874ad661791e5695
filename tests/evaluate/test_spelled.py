"""Bits per byte: what they are by hand, with the unknown spelled out."""

from __future__ import annotations

import numpy as np
import pytest

from longshort.data.stretch import Stretch
from longshort.evaluate.language import Tally


def test_bits_per_byte_spell_out_what_is_unknown() -> None:
    symbols = np.array([0, 2, 1, 3, 0])
    characters, size = np.array([0, 1, 2, 1, 0]), np.array([0, 1, 3, 1, 0])
    text = Stretch(symbols, np.array([0]), characters, size)
    nats = np.array([0.0, 0.5, 1.0, 1.5, 0.25])
    told = Tally(text, {"a": nats}, unknown=1).measures(0)
    assert told["nats"].value == pytest.approx(3.25 / 4)
    assert told["bits_per_character"].value == pytest.approx(3.25 / np.log(2) / 4)
    # 3 bytes of the unknown word, 8 bits each, beside what it cost to say that there is one
    assert told["bits_per_byte"].value == pytest.approx((3.25 / np.log(2) + 3 * 8) / 5)
    assert told["known_perplexity"].value == pytest.approx(np.exp(2.25 / 3))
    known = Tally(text, {"a": nats}, unknown=None).measures(0)
    assert known["bits_per_byte"].value == pytest.approx(3.25 / np.log(2) / 5)
