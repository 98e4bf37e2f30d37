"""What all models of the resource and of the operator's configuration have in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, WithJsonSchema
from pydantic.alias_generators import to_camel


class ApiModel(BaseModel):
    """An immutable piece of the resource, in Kubernetes' spelling outside and Python's inside."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        frozen=True,
        populate_by_name=True,
        use_attribute_docstrings=True,
    )


WholeNumber = Annotated[int, WithJsonSchema({"type": "integer", "format": "int64", "minimum": 0})]
"""A whole number of 0 or more."""
