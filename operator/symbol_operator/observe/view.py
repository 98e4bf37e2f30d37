"""What was read of one symbol, before it is made sense of."""

from dataclasses import dataclass

from tradingsymbol_api.reading import Document


@dataclass(frozen=True, slots=True)
class View:
    """What was read of one symbol. The pod was read before the resource."""

    resource: Document | None
    pod: Document | None
    node_lost: bool = False
    namespace_ending: bool = False
    """The namespace is being deleted: no leader will be created in it."""
    fences: tuple[Document, ...] = ()
    """Fences of lost leaders; they are read where there may be one."""
