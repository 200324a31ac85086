"""Who may see what of a card: the one allow-list. What is not named here is not shown."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from yingbin.errors import NotAllowed
from yingbin.pad_wire import Card
from yingbin.trust.staff import Role

_GREETER: Final = frozenset(
    {
        "card_id", "visit_id", "customer_id", "branch_id", "recognised_by", "surname", "honorific_zh", "honorific_en",
        "tier", "from_other_city", "personalised", "first", "last", "alerted_at_ms", "offers", "avoid", "assigned_to",
        "state", "refused_products", "photo", "home_branch_zh", "home_branch_en",
    }
)  # fmt: skip
CARD_FIELDS: Final[Mapping[Role, frozenset[str]]] = MappingProxyType(
    {Role.RM: _GREETER, Role.LOBBY: _GREETER, Role.BRANCH_MANAGER: _GREETER}
)
"""Roles that get cards, and the fields each gets. Every other role gets nothing from this stream."""


def may_sign_in(role: Role) -> bool:
    """Return whether somebody of this role may open a tablet."""
    return role in CARD_FIELDS


def sees(role: Role, staff_id: str, staff_branch: str, card: Card, routed_to: str) -> bool:
    """Return whether a card is this person's business: all of the branch, but a relationship manager's own only."""
    if role not in CARD_FIELDS or staff_branch != card.branch_id:
        return False
    return role is not Role.RM or routed_to in ("", staff_id) or card.assigned_to == staff_id


def shown(role: Role, card: Card) -> Card:
    """Return `card` with every field blanked that `role` may not see. Raises `NotAllowed` for a role without cards."""
    if role not in CARD_FIELDS:
        raise NotAllowed(f"the role {role} gets no cards")
    allowed = CARD_FIELDS[role]
    blank = {
        field.name: type(getattr(card, field.name))()
        for field in msgspec.structs.fields(card)
        if field.name not in allowed
    }
    return msgspec.structs.replace(card, **blank) if blank else card
