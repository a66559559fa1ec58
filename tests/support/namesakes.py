"""A folder of somebody else's, with packages that are called as ours are."""

from pathlib import Path
from typing import Final

ROOMS: Final = ("components", "policies", "rollout", "sandbox")


def add_namesakes(folder: Path) -> None:
    """Put a package into a folder for each of ours; a program that imports one of them ends.

    Args:
        folder: The folder of a program that is not ours.
    """
    for room in ROOMS:
        package = folder / room
        package.mkdir()
        (package / "__init__.py").write_text(f'raise SystemExit("this {room} is not ours")\n')
