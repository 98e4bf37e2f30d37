"""The kinds of resources that the commands are about. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from kubectl_trading.limits import Limit
from kubectl_trading.symbols import Symbol
from tradingsymbol_api.names import (
    KIND,
    LIMIT_KIND,
    LIMIT_PLURAL,
    LIMIT_SINGULAR,
    PLURAL,
    SINGULAR,
)
from tradingsymbol_api.reading import Document


class Resource(Protocol):
    """One resource, as it was read."""

    @property
    def namespace(self) -> str:
        """Its namespace."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def resource_version(self) -> str:
        """Which version of it was read."""


Found = TypeVar("Found", bound=Resource)


@dataclass(frozen=True, slots=True)
class Kind(Generic[Found]):
    """A kind by the names that the API server has for it, and how one is read."""

    name: str
    singular: str
    plural: str
    read: Callable[[Document], Found]


SYMBOLS: Final = Kind(KIND, SINGULAR, PLURAL, Symbol.of)
LIMITS: Final = Kind(LIMIT_KIND, LIMIT_SINGULAR, LIMIT_PLURAL, Limit.of)
