"""What the settings' docstrings say, as the descriptions of their fields.

Pydantic could read them when a program starts, which takes as long as all else of the settings:
for each model it looks at every module that is imported. Only the pages need them.
"""

import ast
import inspect
from textwrap import dedent

from pydantic import BaseModel

from components.settings.fields import Group


def tell_meanings(model: type[BaseModel] = Group) -> None:
    """Give the fields of a model, and of all that are made from it, their docstrings."""
    (tree,) = ast.parse(dedent(inspect.getsource(model))).body
    assert isinstance(tree, ast.ClassDef)
    for line, below in zip(tree.body, tree.body[1:], strict=False):
        match line, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                model.model_fields[name].description = inspect.cleandoc(text)
            case _:
                pass
    for child in model.__subclasses__():
        tell_meanings(child)
