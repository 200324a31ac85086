"""The programme of tests as data: one holdout, and experiments with arms, checked as a whole when it is loaded.

Every customer has one place on a line from 0 to 1 that never changes. The holdout takes the beginning of the line, each
experiment a stretch of it for its days; stretches that meet on a day are refused, so nobody is in two at a time (one
layer, Tang et al. 2010). Which arm he is in is a draw of its own.
"""

import hashlib
import json
import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from importlib.resources import files
from itertools import combinations
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from yingbin.errors import BadConfiguration
from yingbin.feed_wire import Basis
from yingbin.offers.card import ARBITRATE, GENERAL
from yingbin.offers.learning.holdout import position

LINE: Final = "line"
HOLDOUT: Final = "holdout"
_TOLERANCE: Final = 1e-9

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class BadProgramme(BadConfiguration):
    """The programme of tests cannot be used; the message names every fault."""

    code = "bad_test_programme"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Arm(_Strict):
    """A part `share` (0..1] of an experiment, in which `policy` decides: one of `yingbin.offers.card.POLICIES`."""

    name: Name
    share: float = Field(gt=0, le=1)
    policy: Literal["arbitrate", "rules", "general"]


class Experiment(_Strict):
    """A test in force from `first_day` to `last_day` (China's clock) on the stretch [`from_share`, `to_share`).

    `declared_by`: staff id of who answers for it, `declared_on` the day he did, before it begins.
    """

    name: Name
    question: Said
    declared_by: Said
    declared_on: date
    first_day: date
    last_day: date
    from_share: float = Field(ge=0, lt=1)
    to_share: float = Field(gt=0, le=1)
    arms: tuple[Arm, ...] = Field(min_length=2, alias="arm")

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if not self.declared_on <= self.first_day <= self.last_day:
            raise ValueError(
                "declared_on, first_day and last_day must be in order: a test is declared before it begins"
            )
        if self.from_share >= self.to_share:
            raise ValueError("from_share must be below to_share")
        if len({arm.name for arm in self.arms}) < len(self.arms):
            raise ValueError("two arms have the same name")
        if abs(sum(arm.share for arm in self.arms) - 1) > _TOLERANCE:
            raise ValueError("the shares of the arms must add up to 1")
        return self

    @property
    def digest(self) -> str:
        """SHA-256 of all that was declared: an assignment names it, so that a later change shows."""
        return _digest(self)


class Holdout(_Strict):
    """Customers who get the list that everybody gets, so that it can be seen what personal offers bring."""

    share: float = Field(ge=0, le=0.2)
    declared_by: Said
    declared_on: date


class Programme(_Strict):
    """A whole file."""

    holdout: Holdout
    experiments: tuple[Experiment, ...] = Field(default=(), alias="experiment")

    @model_validator(mode="after")
    def _apart(self) -> Self:
        names = [one.name for one in self.experiments]
        if len(set(names)) < len(names) or HOLDOUT in names:
            raise ValueError(f"every experiment needs a name of its own, and none may be called {HOLDOUT}")
        for one in self.experiments:
            if one.from_share < self.holdout.share - _TOLERANCE:
                raise ValueError(f"{one.name} begins at {one.from_share}, inside the holdout (to {self.holdout.share})")
        for one, other in combinations(self.experiments, 2):
            same_days = one.first_day <= other.last_day and other.first_day <= one.last_day
            same_customers = one.from_share < other.to_share and other.from_share < one.to_share
            if same_days and same_customers:
                raise ValueError(f"{one.name} and {other.name} would have customers in common at the same time")
        return self

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the whole programme."""
        return _digest(self)

    def running(self, day: date) -> tuple[str, ...]:
        """Return the names of the experiments in force on `day` in China."""
        return tuple(one.name for one in self.experiments if one.first_day <= day <= one.last_day)


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which arm of which experiment a customer is in, and the digest of what was declared. `policy` decides for him.

    `share`: of the arm, and so the probability with which it was drawn.
    """

    experiment: str
    arm: str
    share: float
    policy: str
    digest: str


def load_programme(path: Path | None = None) -> Programme:
    """Read `path`, or the packaged programme: a holdout of 2 % and no experiment. Raises `BadProgramme`."""
    name = str(path or "programme.toml")
    try:
        text = path.read_text("utf-8") if path else files(__package__).joinpath("programme.toml").read_text("utf-8")
        return Programme.model_validate(tomllib.loads(text))
    except (OSError, UnicodeDecodeError) as error:
        raise BadProgramme(f"cannot read {name}: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise BadProgramme(f"{name}: not valid TOML: {error}") from error
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        lines = "\n".join(f"{'.'.join(map(str, one['loc'])) or 'programme'}: {one['msg']}" for one in faults)
        raise BadProgramme(f"{name}:\n{lines}") from error


def is_held_out(programme: Programme, key: bytes, customer_id: str) -> bool:
    """Return whether he is in the holdout; the same answer whatever experiments come and go."""
    return position(key, LINE, customer_id) < programme.holdout.share


def assignment(programme: Programme, key: bytes, customer_id: str, day: date) -> Assignment | None:
    """Return the experiment a customer is in on `day` in China, None when he is in none, or in the holdout."""
    place = position(key, LINE, customer_id)
    for one in programme.experiments:
        if one.first_day <= day <= one.last_day and one.from_share <= place < one.to_share:
            arm = _drawn(one, position(key, one.name, customer_id))
            return Assignment(one.name, arm.name, arm.share, arm.policy, one.digest)
    return None


def basis_of(programme: Programme, key: bytes, customer_id: str, day: date) -> Basis:
    """Return which policy makes the view of a customer on `day` in China, if he may be addressed personally."""
    digest = programme.digest
    if is_held_out(programme, key, customer_id):
        return Basis(GENERAL, holdout=True, programme=digest)
    drawn = assignment(programme, key, customer_id, day)
    if drawn is None:
        return Basis(ARBITRATE, programme=digest)
    return Basis(drawn.policy, False, drawn.experiment, drawn.arm, drawn.share, digest)


def _digest(declared: BaseModel) -> str:
    said = json.dumps(declared.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(said.encode()).hexdigest()


def _drawn(experiment: Experiment, drawn: float) -> Arm:
    end = 0.0
    for arm in experiment.arms:
        end += arm.share
        if drawn < end:
            return arm
    return experiment.arms[-1]  # the shares add up to 1 but for rounding
