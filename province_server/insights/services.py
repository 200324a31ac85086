"""Makes the services of soft information. Composition only."""

from dataclasses import dataclass
from typing import Self

from province_server.batch.jobs import Jobs
from province_server.batch.worker import Worker
from province_server.feed import Notifier
from province_server.insights.answers import AnswerService, MaySee
from province_server.insights.facts import Facts
from province_server.insights.loading import Loader
from province_server.insights.nights import KIND, Nights
from province_server.vault import TemplateVault
from yingbin.storage.database import Database


@dataclass(frozen=True, slots=True)
class Insights:
    """Loading nights, and what customers say of what was concluded."""

    facts: Facts
    nights: Nights
    jobs: Jobs
    worker: Worker
    answers: AnswerService

    @classmethod
    def make(cls, database: Database, facts: Facts, vault: TemplateVault, notifier: Notifier, may_see: MaySee) -> Self:
        """Return them."""
        jobs = Jobs(database, KIND)
        worker = Worker(jobs)
        nights = Nights(database, jobs, worker, Loader(database, facts, vault, notifier))
        return cls(facts, nights, jobs, worker, AnswerService(database, facts, vault, notifier, may_see))
