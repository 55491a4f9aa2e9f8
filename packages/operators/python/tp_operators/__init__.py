"""The operators of packed models (`tp pack`), for every onnxruntime from 1.17 on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnxruntime import SessionOptions

__all__ = ["get_library_path", "session_options"]


def get_library_path() -> str:
    """Path of the library, for `SessionOptions.register_custom_ops_library` and for other languages."""
    return str(next(Path(__file__).parent.glob("*tp_operators.*")))


def session_options(options: SessionOptions | None = None) -> SessionOptions:
    """The options, or new ones, with the operators."""
    import onnxruntime

    options = options or onnxruntime.SessionOptions()
    options.register_custom_ops_library(get_library_path())
    return options
