"""Libraries that only the full-size codecs need, imported when they are used."""

import importlib
from typing import Any


class MissingExtraError(ImportError):
    """A codec needs a library of an optional extra that is not installed."""


def require(module: str, purpose: str, extra: str = "full") -> Any:
    """Import `module` for `purpose`.

    Raises:
        MissingExtraError: the module cannot be imported; the message names the extra that brings it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{purpose} needs the package {module.partition('.')[0]!r} ({error}); "
            f"install it with: pip install 'uniavgen-bench[{extra}]'"
        ) from error
