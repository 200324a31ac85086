"""Makes what measures and learns, out of the stores and the cards. Composition only."""

from dataclasses import dataclass

from fastapi import APIRouter

from province_server import effect
from province_server.auth import Gate
from province_server.cards import Cards
from province_server.effect import EffectService
from province_server.feed import Notifier
from province_server.keys import KEY_BYTES, Keys
from province_server.measuring import groups_api, sales_api
from province_server.measuring.groups import GroupService
from province_server.measuring.learner import Learner
from province_server.measuring.past_visits import PastVisits
from province_server.measuring.policies import Policies
from province_server.measuring.sales import Sales
from province_server.settings import ProvinceSettings
from province_server.stores import Stores
from yingbin.offers.learning.experiments import load_programme
from yingbin.offers.learning.posterior import Forgetting


def policies_of(settings: ProvinceSettings, stores: Stores, notifier: Notifier) -> Policies:
    """Return the policies in force. The key of the draw is made once and never renewed: nobody changes sides.

    Raises `BadProgramme`.
    """
    programme = load_programme(settings.programme_file)
    return Policies(stores.identity, notifier, programme, stores.keystore.get_or_create("holdout", KEY_BYTES))


@dataclass(frozen=True, slots=True)
class Measuring:
    """All that routes and chores call."""

    policies: Policies
    sales: Sales
    learner: Learner
    effect: EffectService
    groups: GroupService
    past_visits: PastVisits

    @classmethod
    def make(
        cls, settings: ProvinceSettings, stores: Stores, keys: Keys, cards: Cards, policies: Policies
    ) -> "Measuring":
        """Return it; `policies` take up what was learned."""
        identity, forgetting = stores.identity, Forgetting(half_life_days=settings.learning_half_life_days)
        policies.start()
        return cls(
            policies,
            Sales(identity, cards, settings.sale_window_days),
            Learner(identity, cards, policies, forgetting),
            EffectService(identity, policies, settings.contact_cost_fen),
            GroupService(identity, keys),
            PastVisits(identity, cards, policies),
        )

    def routes(self, gate: Gate) -> tuple[APIRouter, ...]:
        """Return the routes of measuring."""
        return (
            effect.routes(self.effect, self.policies, gate),
            groups_api.routes(self.groups, gate),
            sales_api.routes(self.sales, gate),
        )
