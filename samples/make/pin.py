"""Bring the manifest and the list in README.md up to date with the files. Run: python samples/make/pin.py

Sets bytes and sha256 of the files that come with the gallery (those of others are pinned by hand, once, and stay), and
writes the table in README.md anew.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

SAMPLES = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- list: written by make/pin.py -->", "<!-- end of list -->"
WHERE = {
    "file": "comes with the gallery",
    "package": "in an installed package",
    "wheel": "fetched from a pinned wheel",
    "remote": "fetched from a pinned commit",
}


def main() -> None:
    """Pin and list."""
    manifest = SAMPLES / "manifest.json"
    data = json.loads(manifest.read_text("utf-8"))
    for entry in data["samples"]:
        if entry["kind"] == "file":
            content = (SAMPLES / entry["file"]).read_bytes()
            entry["bytes"], entry["sha256"] = len(content), hashlib.sha256(content).hexdigest()
    manifest.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", "utf-8")
    rows = ["| id | page | what it shows | made by | where it is | credit | licence |", "|---|---|---|---|---|---|---|"]
    for entry in data["samples"]:
        maker = "a program" if entry.get("synthetic") else "people"
        title = entry["title"] + (" (people can be recognised)" if entry.get("people") else "")
        cells = [
            f"`{entry['id']}`",
            entry["domain"],
            title,
            maker,
            WHERE[entry["kind"]],
            entry["credit"],
            entry["licence"],
        ]
        rows.append("| " + " | ".join(cells) + " |")
    readme = SAMPLES / "README.md"
    text = readme.read_text("utf-8")
    head, rest = text.split(BEGIN)
    readme.write_text(head + BEGIN + "\n" + "\n".join(rows) + "\n" + END + rest.split(END)[1], "utf-8")


if __name__ == "__main__":
    main()
