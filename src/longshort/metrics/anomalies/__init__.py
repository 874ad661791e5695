"""How well anomalies are told: by the scores of rows, and by alarms as intervals.

Never here: F1 after point adjustment, by which a single alarmed row makes a whole anomaly found and
random scores beat every detector (Kim et al. 2022, AAAI, "Towards a rigorous evaluation of
time-series anomaly detection"), and the best F1 over thresholds, which is chosen on the labels
that it is judged by.
"""

from __future__ import annotations

from longshort.metrics.anomalies.affiliation import affiliation, affiliations
from longshort.metrics.anomalies.events import Events, delays, event_f1, events, per_day
from longshort.metrics.anomalies.nab import PROFILES, Raw, nab_raw, nab_score
from longshort.metrics.anomalies.points import auc_pr, auc_roc
from longshort.metrics.anomalies.ranges import PrecisionRecall, range_scores
from longshort.metrics.anomalies.runs import intervals, joined, mask, overlapped, runs
from longshort.metrics.anomalies.volume import Areas, areas_drawn, range_auc, vus, vus_pr, vus_roc

__all__ = [
    "PROFILES",
    "Areas",
    "Events",
    "PrecisionRecall",
    "Raw",
    "affiliation",
    "affiliations",
    "areas_drawn",
    "auc_pr",
    "auc_roc",
    "delays",
    "event_f1",
    "events",
    "intervals",
    "joined",
    "mask",
    "nab_raw",
    "nab_score",
    "overlapped",
    "per_day",
    "range_auc",
    "range_scores",
    "runs",
    "vus",
    "vus_pr",
    "vus_roc",
]
