"""Lua scripts: package data beside the code that runs them, read once."""

import hashlib
from dataclasses import dataclass, field
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Script:
    """A script and the hash by which Redis knows it. Every key that it touches shares one hash tag."""

    name: str
    text: str = field(repr=False)
    sha1: str

    @classmethod
    def load(cls, package: str, name: str, *, prelude: str | None = None) -> "Script":
        """Read `name` from the folder of `package`; the text of `prelude`, from there too, goes before it."""
        folder = files(package)
        parts = [folder.joinpath(part).read_text(encoding="utf-8") for part in (prelude, name) if part]
        text = "\n".join(parts)
        return cls(name, text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())
