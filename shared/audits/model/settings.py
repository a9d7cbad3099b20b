"""How audits judge where an app's policy says nothing else."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """`redeem_within`: how long an invitation may stay unaccepted. `sign_in_within`: how long a guest may stay
    away. `settling`: how long after a change of Guestlist's own nothing is found missing, as the directory lags and
    work is under way. `stuck_after`: how long work may stay in one state. `kept`: how long
    findings stay; the numbers of an audit, and the trail, stay for ever."""

    redeem_within: timedelta = timedelta(days=30)
    sign_in_within: timedelta = timedelta(days=90)
    settling: timedelta = timedelta(hours=1)
    stuck_after: timedelta = timedelta(hours=6)
    kept: timedelta = timedelta(days=400)
