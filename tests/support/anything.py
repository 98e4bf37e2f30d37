"""Any JSON, as far as Python reads it, and what JSON readers stumble over."""

from typing import Any, Final

from hypothesis import strategies as st


def nested(depth: int) -> Any:
    """Make a list in a list in a list."""
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


class _Deep(list[Any]):
    """A deep list whose failure is not reported in 8,000 brackets."""

    def __repr__(self) -> str:
        return "DEEP"


DEEP: Final = _Deep(nested(4000))
HUGE: Final = 10**4000
"""Python reads no JSON with a number of more than 4,300 digits."""

_TEXT: Final = st.one_of(
    st.text(alphabet=st.characters(exclude_categories=())),
    st.sampled_from(["", "[" * 4000, '{"cause": []}', "\ud800", "\x00", "True", "Ready", "on"]),
)
_SCALARS: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from([HUGE, -HUGE, 2**63]),
    _TEXT,
)
SHALLOW: Final[st.SearchStrategy[Any]] = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=8,
)
ANYTHING: Final[st.SearchStrategy[Any]] = SHALLOW | st.just(DEEP)
