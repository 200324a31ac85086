"""Which role sees what of a portrait: the one allow-list. What is not named here is not shown."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from yingbin.errors import NotAllowed
from yingbin.portrait_wire import PortraitPage
from yingbin.trust.staff import Role

_ADVISER: Final = frozenset({"lines", "groups", "holdings", "timeline", "since", "changes", "insights"})
PAGE_FIELDS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        Role.RM: _ADVISER,
        Role.ACCOUNT_MANAGER: _ADVISER,
        Role.BRANCH_MANAGER: _ADVISER,
        Role.LOBBY: _ADVISER,
    }
)
"""Roles that may see a confirmed customer's portrait, and the parts each sees."""


def require(role: str) -> None:
    """Raise `NotAllowed` for a role that sees no portraits."""
    if role not in PAGE_FIELDS:
        raise NotAllowed(f"the role {role} sees no portraits")


def shown(role: str, page: PortraitPage) -> PortraitPage:
    """Return `page` with every part emptied that `role` may not see. Raises `NotAllowed`."""
    require(role)
    allowed = PAGE_FIELDS[role]
    hidden = {
        field.name: type(getattr(page, field.name))()
        for field in msgspec.structs.fields(page)
        if field.name not in allowed
    }
    return msgspec.structs.replace(page, **hidden) if hidden else page
