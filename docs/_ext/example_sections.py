"""Let the reference show `Example:` in a docstring as Griffe shows `Examples:`, as code."""

import re
from typing import Any

import griffe


class ExampleSections(griffe.Extension):
    """Rename the section while the source is read."""

    def on_object(self, *, obj: griffe.Object, **_kwargs: Any) -> None:
        """Rename it in one docstring."""
        if obj.docstring:
            obj.docstring.value = re.sub(r"^Example:$", "Examples:", obj.docstring.value, flags=re.MULTILINE)
