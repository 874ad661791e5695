"""Files of language models whose parts are changed: refused, or models that score a text."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshort import Chunking, LanguageModel, Next, Recurrent, Shares, Tokens, Training, load
from longshort.errors import LongshortError, ModelFileError

from ..artifact.corpus import Parts, apart  # noqa: TID252
from .test_model_file import places, values

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::RuntimeWarning")]

TEXT = ["to be or not to be", "that is the question"]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A model's file of each kind of symbols."""
    folder, found = tmp_path_factory.mktemp("language"), {}
    for unit in ("characters", "words"):
        model = LanguageModel(
            Tokens(unit),  # type: ignore[arg-type]
            shares=Shares(0, 0),
            chunking=Chunking(5),
            recurrent=Recurrent(4),
            training=Training(epochs=1, batch=2, members=1),
        )
        model.fit(TEXT).save(folder / unit)
        found[unit] = (folder / unit).read_bytes()
    both = model.set_copy(
        direction="both",
        recurrent=Recurrent(4, 2, projection=2, residual=True),
        head=Next("plain", 3, characters="cnn", filters=((1, 2), (2, 2)), highways=1),
    )
    both.fit(TEXT).save(folder / "both")
    found["both"] = (folder / "both").read_bytes()
    return found


@settings(max_examples=500)
@given(data=st.data())
def test_changed_files_are_refused_or_score(
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
            model.score(["to be"])
    assert str(path) in said
    assert len(said) < 1000
