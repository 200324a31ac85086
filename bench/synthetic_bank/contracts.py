"""Services signed, risk questionnaires, consents."""

from typing import Final

import numpy as np

from bench.synthetic_bank.block import Block
from bench.synthetic_bank.days import DAYS

SERVICES: Final = ("e_bank", "mobile_bank", "sms", "etc", "custody", "auto_pay", "payroll")


def make_services(block: Block) -> None:
    """Sign services: mobile bank for the digital, payroll for the employed, and so on."""
    rng, people = block.rng(15), block.people
    everybody = np.arange(people.n)
    drivers = block.truth.has("car_owner", people.n)
    for service, fit, share in (
        ("mobile_bank", people.digital, 1.0), ("e_bank", people.digital, 0.35), ("sms", people.age > 0, 0.6),
        ("etc", drivers, 0.4), ("auto_pay", people.age > 24, 0.3), ("payroll", people.payroll, 1.0),
    ):  # fmt: skip
        who = everybody[fit & (rng.random(people.n) < share)]
        since = np.minimum(people.opened[who] + rng.integers(0, 900, len(who)), DAYS - 1)
        block.event("services", who, service=SERVICES.index(service), day=np.where(people.opened[who] > 0,
                    people.opened[who], since))  # fmt: skip
    for age, those in ((720, people.assessed > 0), (360, people.assessed > 0), (0, people.assessed > 0),
                       (-360, (people.assessed > 0) & people.renewed)):  # fmt: skip
        on = people.assessed_on - age
        test = np.flatnonzero(those & (on < DAYS) & (on > people.opened))
        block.event("risk_assessments", test, day=on[test], level=people.assessed[test], until=on[test] + 364)


_CONSENT_RATE: Final = {
    "vip_service": 0.55, "ticketing": 0.4, "teller_assist": 0.3, "marketing": 0.72, "whereabouts": 0.45,
    "central_storage": 0.35,
}  # fmt: skip
_WITHDRAWN: Final = 0.05
PURPOSES: Final = tuple(_CONSENT_RATE)


def make_consents(block: Block) -> None:
    """Consent to each purpose by itself; one in twenty has been withdrawn."""
    rng, people = block.rng(16), block.people
    for purpose, rate in _CONSENT_RATE.items():
        who = np.flatnonzero((rng.random(people.n) < rate) & (people.age >= 18))
        granted = np.maximum(rng.integers(-400, DAYS // 3, len(who)), np.minimum(people.opened[who], DAYS - 1))
        withdrawn = rng.random(len(who)) < _WITHDRAWN
        gone = granted + 1 + (rng.random(len(who)) * (DAYS - 1 - granted)).astype(np.int64)
        block.event(
            "consents", who, purpose=PURPOSES.index(purpose), day=granted, second=36_000,
            withdrawn=np.where(withdrawn, np.maximum(gone, granted), -1_000_000),
        )  # fmt: skip
