"""Records of transcripts as JSON, and what is refused of others'."""

from __future__ import annotations

import json
from typing import Any

import pytest

from longshort.errors import DataError
from longshort.records import TranscriptEvaluation
from tests.report.transcripts.conftest import transcript_record


def test_a_record_is_read_again_as_it_was_written() -> None:
    record = transcript_record()
    assert TranscriptEvaluation.from_json(record.to_json()) == record
    assert record.ours is not None
    assert record.ours.method == "LSTM"


def test_older_records_are_read() -> None:
    """Without what was added since: delay, pictures, drawings."""
    content = json.loads(transcript_record().to_json())
    del content["delay"]
    for each in content["heard"]:
        for name in ("image", "sketch", "marks"):
            del each[name]
    found = TranscriptEvaluation.from_json(json.dumps(content))
    assert found.delay is None
    assert found.heard[1].sketch is None


@pytest.mark.parametrize(
    ("item", "name", "value", "told"),
    [
        (0, "sound", "https://elsewhere.example/a.wav", r"heard\.0\.sound"),
        (0, "sound", 'data:audio/wav;base64,"><script>', r"heard\.0\.sound"),
        (2, "image", {"source": "javascript:0", "width": 2, "height": 2}, "image.source"),
        (2, "image", {"source": "data:image/png;base64,", "width": 0, "height": 2}, "image.width"),
        (0, "picture", {"rows": ["01", "012"], "length": 1}, "rows of digits of one length"),
        (0, "picture", {"rows": ["0x"], "length": 1}, "rows of digits"),
        (1, "marks", [{"start": 0, "end": 6, "weight": 1}], "outside its 5 points"),
        (1, "confidence", "sure", r"heard\.1\.confidence"),
    ],
)
def test_what_cannot_be_is_refused(item: int, name: str, value: Any, told: str) -> None:
    content = json.loads(transcript_record().to_json())
    content["heard"][item][name] = value
    with pytest.raises(DataError, match=rf"r\.json: not an evaluation record.*{told}"):
        TranscriptEvaluation.from_json(json.dumps(content), "r.json")
