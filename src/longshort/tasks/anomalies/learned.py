"""What a detector's model file keeps beside weights and settings."""

from __future__ import annotations

from dataclasses import dataclass

from longshort.tasks.anomalies.thresholds import Limit
from longshort.tasks.learned import Learned


@dataclass(frozen=True)
class LearnedDetector:
    """How series are read, the threshold, and what the fit had to say."""

    series: Learned
    limit: Limit
    notes: tuple[str, ...] = ()
