"""Classical detectors on windows of rows, fitted on the training rows alone.

Each row t is told by the window of the w rows that end at it, all channels in deviations of the
training rows, missing values carried forward:

    PCA               the squared error of the window rebuilt from the components that explain 90 %
                      of the variance of the training windows (Shyu et al. 2003; Paffenroth 2018)
    isolation forest  how few random cuts set the window apart (Liu, Ting and Zhou 2008)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from longshort.data.sequences import Floats, Sequences
from longshort.records import Kind
from longshort.yardsticks.anomalies.base import AnomalyMethod, Usual

Model = Literal["PCA", "isolation forest"]

# rows of a window; windows that are learnt from; numbers that are scored at once
WINDOW, _LEARNT, _NUMBERS = 20, 50_000, 5_000_000
# share of the variance that components explain
_EXPLAINED = 0.9


@dataclass(frozen=True)
class OnWindows:
    """A detector that reads windows.

    Args:
        model: which one.
        window: w.
    """

    model: Model
    window: int = WINDOW
    kind: Kind = "classical"

    @property
    def name(self) -> str:
        """ "PCA on windows (20)"."""
        return f"{self.model} on windows ({self.window})"

    def refuses(self, train: Sequences) -> str:
        """It needs some windows to learn from."""
        windows = int(np.maximum(train.lengths - self.window + 1, 0).sum())
        need = 2 * self.window
        return "" if windows >= need else f"{windows} windows to learn from, at least {need} needed"

    def fit(self, train: Sequences, seed: int) -> AnomalyMethod:
        """Learn from windows of the training rows, of many as many as are spread evenly."""
        usual = Usual.of(train)
        own = [_windows(_complete(usual, train, at), self.window) for at in range(len(train))]
        learnt = np.concatenate([each for each in own if len(each)])
        if len(learnt) > _LEARNT:
            learnt = learnt[np.linspace(0, len(learnt) - 1, _LEARNT).astype(np.int64)]
        score = (_principal if self.model == "PCA" else _forest)(learnt, seed)

        def scores(series: Sequences) -> list[Floats]:
            found = []
            for at in range(len(series)):
                windows = _windows(_complete(usual, series, at), self.window)
                rows = np.full(series.length(at), np.nan)
                if len(windows):
                    size = max(1, _NUMBERS // windows.shape[1])
                    parts = [score(windows[i : i + size]) for i in range(0, len(windows), size)]
                    rows[self.window - 1 :] = np.concatenate(parts)
                found.append(rows)
            return found

        return AnomalyMethod(self.name, self.kind, scores)


def _complete(usual: Usual, series: Sequences, at: int) -> Floats:
    """(T, K) scaled, gaps closed by the latest value before them, or by the mean."""
    x = usual.scaled(series, at)
    seen = np.isfinite(x)
    latest = np.maximum.accumulate(np.where(seen, np.arange(len(x))[:, None], -1), 0)
    filled = np.take_along_axis(np.where(seen, x, 0.0), np.maximum(latest, 0), 0)
    return np.where(latest >= 0, filled, 0.0)


def _windows(x: Floats, window: int) -> Floats:
    """(T - w + 1, w K), a view where there is one channel."""
    if len(x) < window:
        return np.zeros((0, window * x.shape[1]))
    view = np.lib.stride_tricks.sliding_window_view(x, window, axis=0)
    return np.asarray(view.reshape(len(view), -1))


def _principal(learnt: Floats, seed: int) -> Callable[[Floats], Floats]:
    centre = learnt.mean(0)
    variance, axes = np.linalg.eigh(np.cov(learnt - centre, rowvar=False))
    falling = np.cumsum(variance[::-1]) / max(float(variance.sum()), 1e-300)
    kept = axes[:, ::-1][:, : int(np.searchsorted(falling, _EXPLAINED)) + 1]

    def score(windows: Floats) -> Floats:
        x = windows - centre
        return np.asarray(np.square(x - (x @ kept) @ kept.T).sum(1))

    return score


def _forest(learnt: Floats, seed: int) -> Callable[[Floats], Floats]:
    from sklearn.ensemble import IsolationForest

    model: Any = IsolationForest(random_state=seed).fit(learnt)
    return lambda windows: -np.asarray(model.score_samples(windows), np.float64)
