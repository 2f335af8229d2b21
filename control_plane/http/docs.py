"""The API for people: one page made from the OpenAPI document, which loads nothing from anywhere and runs no script."""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 52rem; padding: 0 1rem; }
h2 { margin-top: 3rem; } h2 code { font-size: 1.1rem; }
code, pre { font-family: ui-monospace, monospace; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; padding: .3rem .6rem; vertical-align: top; }
tr { border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
"""
STYLE_SOURCE = f"'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'"
"""What a Content-Security-Policy allows this page's style by."""


def page(document: Mapping[str, Any]) -> str:
    schemas = document["components"]["schemas"]
    sections = [
        _section(method.upper(), path, operation, schemas)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]
    info = document["info"]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(info["title"])} API</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f"<h1>{escape(info['title'])} API {escape(info['version'])}</h1><p>{_prose(info['description'])}</p>"
        f'<p>For programs: <a href="/v1/openapi.json">openapi.json</a>.</p>{"".join(sections)}</html>'
    )


def _section(method: str, path: str, operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    parts = [f'<h2 id="{escape(operation["operationId"])}"><code>{method} {escape(path)}</code></h2>']
    parts.append(f"<p><strong>{escape(operation['summary'])}.</strong> {_prose(operation['description'])}</p>")
    if operation["parameters"]:
        rows = [
            (each["name"], each["in"], _kind(each["schema"]), each["description"]) for each in operation["parameters"]
        ]
        parts.append(_table(("parameter", "in", "type", ""), rows))
    if "requestBody" in operation:
        parts.append(_fields("body", operation["requestBody"]["content"]["application/json"], schemas))
    for status, response in operation["responses"].items():
        content = response.get("content", {}).get("application/json")
        if content:
            parts.append(_fields(f"answer {status}", content, schemas))
    rows_of_status = [(status, response["description"]) for status, response in operation["responses"].items()]
    parts.append(_table(("status", ""), rows_of_status))
    return "".join(parts)


def _fields(title: str, content: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    schema = schemas[_name(content["schema"])]
    required = schema.get("required", ())
    rows = [
        (name, f"{_kind(field)}{', required' if name in required else ''}", field.get("description", ""))
        for name, field in schema.get("properties", {}).items()
    ]
    return _table((title, "type", ""), rows)


def _kind(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return _name(schema)
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    return str(schema.get("format") or schema.get("type", "any"))


def _name(schema: Mapping[str, Any]) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    lines = ("".join(f"<td>{_prose(cell)}</td>" for cell in row) for row in rows)
    return f"<table><tr>{titles}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def _prose(text: str) -> str:
    """Text with `code` in it."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))
