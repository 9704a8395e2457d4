"""Where the data folders are: beside the code in a checkout, inside the package in a wheel."""

from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parent.parent
_PACKAGED = Path(__file__).resolve().parent / "_files"


def data_folder(name: str) -> Path:
    """`avro`, `deploy` or `dbt`."""
    packaged = _PACKAGED / name
    return packaged if packaged.is_dir() else _CHECKOUT / name


def checkout() -> Path:
    """The folder that holds pyproject.toml."""
    return _CHECKOUT
