"""Many fits one after the other: each is kept when it is done, so that the work can go on."""

from __future__ import annotations

import hashlib
import json
import re
import warnings
from pathlib import Path
from typing import cast

from longshort import artifact
from longshort.checkpoint import Checkpoint
from longshort.contracts import Params
from longshort.data.splits import Portion
from longshort.errors import LongshortWarning, OutputError
from longshort.tasks.ensemble import Progress
from longshort.tasks.files import load
from longshort.tasks.forecast import Forecaster


class Runs:
    """Fits, and the folder that keeps them: the model of each one, and a checkpoint of the last.

    A model is found again by its name, its settings and its data: whatever of them changes, it is
    fitted anew, and the others are not.

    Args:
        folder: made where it is not there; None keeps nothing.
        progress: who is told how it goes on.

    Raises:
        OutputError: the folder cannot be made.
    """

    def __init__(self, folder: str | Path | None, progress: Progress | None = None) -> None:
        self.folder = None if folder is None else Path(folder)
        self.progress = progress
        if self.folder is not None:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise OutputError(
                    f"cannot write into {self.folder}: {error.strerror or error}"
                ) from error

    def fitted(self, name: str, text: str, estimator: Forecaster, data: Portion) -> Forecaster:
        """The estimator fitted on the data, or as it was kept.

        Args:
            name: of its files.
            text: what is told before it is fitted.

        Raises:
            KeyboardInterrupt: Ctrl-C; the checkpoint stays, to go on from.
        """
        path = None if self.folder is None else self.folder / _file(name, estimator, data)
        if path is not None and path.exists():
            return cast(Forecaster, load(path, device=estimator.device))
        if self.progress is not None:
            self.progress.note(text)
        checkpoint = None
        if path is not None:
            checkpoint = Checkpoint(path.with_name(f"{path.stem}.checkpoint.lstm"))
        with warnings.catch_warnings():
            # of series that are too short, whoever read the data has told
            warnings.simplefilter("ignore", LongshortWarning)
            estimator.fit(data, progress=self.progress, checkpoint=checkpoint)
        if "interrupted" in estimator.history_.stops:
            raise KeyboardInterrupt
        if path is not None:
            estimator.save(path)
        return estimator

    def opened(self, mark: str, what: str) -> list[str]:
        """Note that a test part was opened: for what else it had been before, as the folder says.

        Args:
            mark: tells the data from others.
            what: it was opened for.
        """
        if self.folder is None:
            return []
        path, told = self.folder / "opened.jsonl", json.dumps([mark, what])
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        if told not in lines:
            text = "".join(f"{line}\n" for line in [*lines, told])
            artifact.write_bytes(path, text.encode())
        known = [json.loads(line) for line in lines if line != told]
        return [before for data, before in known if data == mark]


def _file(name: str, estimator: Forecaster, data: Portion) -> str:
    settings = {k: str(v) for k, v in estimator.get_params().items() if not isinstance(v, Params)}
    settings.pop("device")
    mark = hashlib.sha256(repr(sorted(settings.items())).encode() + data.digest().encode())
    plain = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "run"
    return f"{plain}-{mark.hexdigest()[:12]}.lstm"
