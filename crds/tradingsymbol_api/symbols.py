"""What can be the symbol of an exchange: letters and digits of any script, none of them a to z.

Binance lists symbols in other letters than A to Z since December 2025. It writes a to z in upper
case; other scripts are left as they are written.
"""

import re
import unicodedata
from typing import Final

SYMBOL_LENGTH_MAX: Final = 50
"""Most characters of a symbol, as Binance's own check has it."""

_KINDS: Final = "LMN"
"""Unicode's categories of letters, of the marks that belong to them, and of digits."""

_CHARACTERS: Final = "".join(rf"\p{{{kind}}}" for kind in _KINDS)
SYMBOL_CEL: Final = (
    f"self.matches(r'^[{_CHARACTERS}]{{1,{SYMBOL_LENGTH_MAX}}}$') && !self.matches('[a-z]')"
)
"""CEL expression of the same; the API server's expressions know Unicode's categories."""

NAME_IS_SYMBOL: Final = f"[a-z0-9]{{1,{SYMBOL_LENGTH_MAX}}}"
"""Names of resources that are symbols in upper case."""

SYMBOL_RULE: Final = (
    f"must be 1 to {SYMBOL_LENGTH_MAX} letters and digits, as the exchange writes it: XRPUSDT, not "
    "xrpusdt or XRP/USDT"
)
SYMBOL_NEEDED_RULE: Final = (
    "must be given, because metadata.name in upper case is no symbol of an exchange: "
    f"symbols are 1 to {SYMBOL_LENGTH_MAX} letters and digits"
)


def is_symbol(text: str) -> bool:
    """Return whether an exchange may list a symbol of this name."""
    if not 1 <= len(text) <= SYMBOL_LENGTH_MAX or re.search("[a-z]", text):
        return False
    return all(unicodedata.category(character)[0] in _KINDS for character in text)


def parse_symbol(value: object) -> str:
    """Read the name of a symbol.

    Raises:
        ValueError: no symbol has such a name.

    """
    if not isinstance(value, str) or not is_symbol(value):
        raise ValueError(SYMBOL_RULE)
    return value
