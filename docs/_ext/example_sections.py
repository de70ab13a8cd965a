"""Let the reference show `Example:` in a docstring as Griffe shows `Examples:`, and classes without `__init__`.

What users need to know of making an object stands in the docstring of the class; that of `__init__` is for readers of
the code, and would stand after the examples.
"""

import re
from typing import Any

import griffe


class ExampleSections(griffe.Extension):
    """Rename the section while the source is read."""

    def on_object(self, *, obj: griffe.Object, **_kwargs: Any) -> None:
        """Change one docstring."""
        if obj.name == "__init__" and obj.is_function and obj.parent and obj.parent.docstring:
            obj.docstring = None
        if obj.docstring:
            obj.docstring.value = re.sub(r"^Example:$", "Examples:", obj.docstring.value, flags=re.MULTILINE)
