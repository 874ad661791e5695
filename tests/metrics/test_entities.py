"""Entity scores against seqscore, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from seqscore.scoring import score_label_sequences

from longshort.data.codecs.tags import spans
from longshort.metrics.entities import entity_counts, entity_scores, micro, token_accuracy

KINDS = ["PER", "LOC", "ORG"]


def random_tags(rng: np.random.Generator, count: int) -> list[list[str]]:
    """Valid BIO of random entities."""
    found = []
    for _ in range(count):
        tags, open_kind = [], ""
        for _ in range(int(rng.integers(1, 12))):
            if open_kind and rng.random() < 0.5:
                tags.append(f"I-{open_kind}")
            elif rng.random() < 0.4:
                open_kind = str(rng.choice(KINDS))
                tags.append(f"B-{open_kind}")
            else:
                open_kind = ""
                tags.append("O")
        found.append(tags)
    return found


@pytest.mark.parametrize("seed", range(5))
def test_they_agree_with_seqscore(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = random_tags(rng, 60)
    # half of the answers are right, the others of the same length
    answers = [
        own if rng.random() < 0.5 else (random_tags(rng, 1)[0] + ["O"] * 12)[: len(own)]
        for own in truth
    ]
    entities, accuracy = score_label_sequences(answers, truth, "BIO", repair=None)
    scores = entity_scores([spans(t) for t in truth], [spans(t) for t in answers])
    assert scores[0][:4] == ("", entities.precision, entities.recall, pytest.approx(entities.f1))
    assert {score.type for score in scores[1:]} == set(KINDS)
    for score in scores[1:]:
        theirs = entities.type_scores[score.type]
        assert score.precision == theirs.precision
        assert score.recall == theirs.recall
        assert score.f1 == pytest.approx(theirs.f1)
        assert score.there == theirs.total_ref
    assert token_accuracy(truth, answers) == accuracy.accuracy


def test_only_the_whole_entity_counts() -> None:
    truth = [[("PER", 0, 2), ("LOC", 3, 4)], [("ORG", 0, 1)], []]
    found = [[("PER", 0, 1), ("LOC", 3, 4)], [("PER", 0, 1)], []]
    counts = entity_counts(truth, found)
    assert counts.tolist() == [[1, 2, 2], [0, 1, 1], [0, 0, 0]]
    assert micro(counts) == (1 / 3, 1 / 3, 1 / 3)
    assert micro(counts[2:]) == (0, 0, 0)
    assert [s.type for s in entity_scores(truth, found)] == ["", "LOC", "ORG", "PER"]


def test_sentences_are_compared_one_by_one() -> None:
    with pytest.raises(ValueError):
        entity_counts([[]], [[], []])
    with pytest.raises(ValueError):
        token_accuracy([["O"]], [["O", "O"]])
    assert token_accuracy([[]], [[]]) == 0
