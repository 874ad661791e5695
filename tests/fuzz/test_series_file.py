"""Files of series models, and of classifiers that begin with one or with ELMo, whose parts change.

They are refused, or they are models that answer.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshort import Classifier, Recurrent, SeriesModel, Training, load
from longshort.errors import LongshortError, ModelFileError

from ..artifact.corpus import Parts, apart  # noqa: TID252
from ..data.sources import published  # noqa: TID252
from .test_model_file import places, values

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::RuntimeWarning")]

SERIES = np.random.default_rng(0).normal(size=(12, 6, 2))
TEXTS = ["good film", "bad film"] * 6
LABELS = [1, 0] * 6


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A file of each kind."""
    folder = tmp_path_factory.mktemp("series")
    small: dict[str, Any] = {
        "recurrent": Recurrent(3), "training": Training(epochs=1, batch=4, members=1),
    }  # fmt: skip
    SeriesModel(**small).fit(SERIES).save(folder / "series")
    begun = Classifier(pretrained=str(folder / "series"), **small).fit(SERIES, LABELS)
    begun.save(folder / "begun")
    path = published.write(Path(tmp_path_factory.mktemp("elmo")))
    Classifier(pretrained=str(path), **small).fit(TEXTS, LABELS).save(folder / "elmo")
    return {name: (folder / name).read_bytes() for name in ("series", "begun", "elmo")}


@settings(max_examples=400)
@given(data=st.data())
def test_changed_files_are_refused_or_answer(
    real: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    parts: Parts = apart(real[data.draw(st.sampled_from(sorted(real)))])
    if data.draw(st.booleans()):
        ways = [way for way in places(parts.header) if "sections" in way and len(way) > 1]
        way = data.draw(st.sampled_from(ways))
        place: Any = parts.header
        for step in way[:-1]:
            place = place[step]
        place[way[-1]] = data.draw(values)
    else:
        name = data.draw(st.sampled_from(sorted(parts.tensors)))
        told = json.dumps(data.draw(values)).encode()
        parts.tensors[name] = "U8", [len(told)], told
    path = tmp_path_factory.getbasetemp() / "changed.lstm"
    path.write_bytes(parts.file())
    try:
        model = load(path)
    except ModelFileError as refusal:
        said = str(refusal)
    else:
        said = str(path)
        with suppress(LongshortError):
            if isinstance(model, Classifier):
                for given_data in (SERIES, TEXTS):
                    with suppress(LongshortError):
                        model.predict_proba(given_data)
            else:
                model.score(SERIES)
    assert str(path) in said
    assert len(said) < 1000
