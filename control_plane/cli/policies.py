"""A room's policy as options of a command, made from its fields."""

import argparse
import types
from typing import Any, Literal, Union, get_args, get_origin

from control_plane.rooms.policy import RoomPolicy


def add_policy_options(parser: argparse.ArgumentParser) -> None:
    """`--lobby`, `--capacity N` and so on. What is not given is not in the namespace."""
    group = parser.add_argument_group("how it is run; what is left out stays as it is")
    for name, field in RoomPolicy.model_fields.items():
        option = f"--{name.replace('_', '-')}"
        help_ = (field.description or "").replace("%", "%%")
        shared: dict[str, Any] = {"default": argparse.SUPPRESS, "help": help_, "dest": f"policy_{name}"}
        if field.annotation is bool:
            group.add_argument(option, action=argparse.BooleanOptionalAction, **shared)
        elif get_origin(field.annotation) is Literal:
            group.add_argument(option, choices=get_args(field.annotation), **shared)
        elif get_origin(field.annotation) in {Union, types.UnionType}:
            group.add_argument(option, type=_number_or_none, metavar="N|none", **shared)
        else:
            group.add_argument(option, type=int, metavar="N", **shared)


def given_policy(options: argparse.Namespace) -> dict[str, Any]:
    """What was given."""
    given = {name: getattr(options, f"policy_{name}", ...) for name in RoomPolicy.model_fields}
    return {name: value for name, value in given.items() if value is not ...}


def _number_or_none(text: str) -> int | None:
    if text == "none":
        return None
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number nor `none`")
    return int(text)
