"""Reading YAML that people write, where a number must be what it looks like.

To YAML 1.1, which PyYAML and kubectl read, `0100` is 64, `0x64` is 100 and `1:30` may be 90. The
API server sees only what kubectl has made of it; what we read ourselves is refused instead.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

INTEGER_TAG: Final = "tag:yaml.org,2002:int"
PLAIN_INTEGER: Final = re.compile("[-+]?(0|[1-9][0-9]*)")


class MisleadingNumberError(ValueError):
    """A document has numbers that are not what they look like; the text names field and remedy."""


def load_document(text: str) -> Any:
    """Read the one document of a YAML text; no tags but YAML's own.

    Raises:
        yaml.YAMLError: it is not YAML.
        MisleadingNumberError: a whole number is written otherwise than in plain decimal digits.
        ValueError: a value cannot be: a date that does not exist, say.

    """
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        if found := list(_misleading(loader, node, (), set())):
            raise MisleadingNumberError("; ".join(found))
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _misleading(
    loader: yaml.SafeLoader, node: yaml.Node, path: tuple[str, ...], seen: set[int]
) -> Iterator[str]:
    """Find the numbers below a node; an anchor may lead back to what was `seen`."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _misleading(loader, value, (*path, str(key.value)), seen)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _misleading(loader, item, (*path, str(number)), seen)
    elif isinstance(node, yaml.ScalarNode) and _misleads(node):
        value = loader.construct_yaml_int(node)
        yield (
            f"{'.'.join(path)} is written {node.value}, which YAML reads as {value}: "
            f"write it in decimal digits without leading zeros, such as {value}"
        )


def _misleads(node: yaml.ScalarNode) -> bool:
    return node.tag == INTEGER_TAG and not PLAIN_INTEGER.fullmatch(node.value)
