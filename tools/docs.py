#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Keeps the code in the documentation the code that is compiled.

A snippet is what stands between `// [NAME]` and `// [/NAME]` in a .cpp file of examples/ or
docs/snippets/ (both are built and run by the tests). A page of documentation asks for it with

    <!-- snippet: NAME -->
    ```cpp
    ...
    ```

and this program fills the fence. A C++ fence without that line is refused, and so are a name that
is defined twice or nowhere, a snippet that no page shows, a relative link to a file or a heading
that does not exist, and a line "- `tests/FILE`: TITLE", or a row of a table whose last cell is
"`tests/FILE`: TITLE", where FILE has no test of that title.

    tools/docs.py --check     says what is wrong and ends with status 1
    tools/docs.py --write     rewrites the fences, then checks
"""

import argparse
import difflib
import re
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("examples/*.cpp", "docs/snippets/*.cpp")
PAGES = ("README.md", "docs/**/*.md", "examples/*.md")

OPEN = re.compile(r"^\s*// \[([a-z0-9_]+)\]\s*$")
CLOSE = re.compile(r"^\s*// \[/([a-z0-9_]+)\]\s*$")
WANTED = re.compile(r"^<!-- snippet: ([a-z0-9_]+) -->$")
FENCE = re.compile(r"^\s*```(\w*)\s*$")
LINK = re.compile(r"(?<!!)\[[^\]\[]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`[^`]*`")
# A line of a list, or the last cell of a row.
TEST = re.compile(r"^(?:- |\|.*\| )`((?:tests|examples)/[^`]+)`(?:: (.+?))?(?: \|)?$")


def read_snippets(errors):
    """All snippets by name, less the indentation that their lines share."""
    found = {}
    for source in (s for pattern in SOURCES for s in sorted(ROOT.glob(pattern))):
        where = source.relative_to(ROOT)
        opened = {}
        for number, line in enumerate(source.read_text().splitlines(), 1):
            if match := OPEN.match(line):
                name = match[1]
                if name in found or name in opened:
                    errors.append(f"{where}:{number}: snippet {name} is defined twice")
                opened[name] = []
            elif match := CLOSE.match(line):
                if match[1] not in opened:
                    errors.append(f"{where}:{number}: [/{match[1]}] closes what is not open")
                    continue
                lines = opened.pop(match[1])
                found[match[1]] = textwrap.dedent("\n".join(lines)).strip("\n").split("\n")
            else:
                for lines in opened.values():
                    lines.append(line)
        errors.extend(f"{where}: snippet {name} is not closed" for name in opened)
    return found


def fill(page, snippets, used, errors):
    """The text of a page with its fences filled."""
    where = page.relative_to(ROOT)
    lines = page.read_text().splitlines()
    out = []
    i = 0
    while i < len(lines):
        line = lines[i]
        i += 1
        out.append(line)
        wanted = WANTED.match(line)
        if not wanted:
            if fence := FENCE.match(line):
                if fence[1] in ("cpp", "c++", "cc"):
                    errors.append(f"{where}:{i}: a C++ fence that is not a snippet")
                while i < len(lines):  # any other fence is copied as it is
                    out.append(lines[i])
                    i += 1
                    if lines[i - 1].strip() == "```":
                        break
            continue
        name = wanted[1]
        used.add(name)
        if i < len(lines) and FENCE.match(lines[i]):
            old = i
            i += 1
            while i < len(lines) and lines[i].strip() != "```":
                i += 1
            i += 1
            kept = lines[old:i]
        else:
            kept = []
        if name in snippets:
            out += ["```cpp", *snippets[name], "```"]
        else:
            errors.append(f"{where}: no snippet is called {name}")
            out += kept
    return "\n".join(out) + "\n"


def prose(text):
    """The lines of a page that are not code, with their numbers."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if FENCE.match(line):
            inside = not inside
        elif not inside:
            yield number, CODE.sub(lambda m: "x" * len(m[0]), line), line


def anchors(page):
    """The anchors that the headings of a page get."""
    names = {}
    result = set()
    for _, _, line in prose(page.read_text()):
        if not line.startswith("#"):
            continue
        title = line.lstrip("#").strip().lower()
        slug = re.sub(r"[^\w\- ]", "", title).replace(" ", "-")
        count = names.get(slug, 0)
        names[slug] = count + 1
        result.add(slug if count == 0 else f"{slug}-{count}")
    return result


def check_links(page, text, errors):
    where = page.relative_to(ROOT)
    for number, line, _ in prose(text):
        for target in LINK.findall(line):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            other = (page.parent / path).resolve() if path else page
            if not other.exists():
                errors.append(f"{where}:{number}: nothing is at {target}")
            elif anchor and other.suffix == ".md" and anchor not in anchors(other):
                errors.append(f"{where}:{number}: no heading for {target}")


def check_tests(page, text, errors):
    where = page.relative_to(ROOT)
    for number, line in enumerate(text.splitlines(), 1):
        match = TEST.match(line)
        if not match:
            continue
        path, title = ROOT / match[1], match[2]
        # A title may stand in several pieces.
        source = re.sub(r'"\s*"', "", path.read_text()) if path.exists() else ""
        if not path.exists():
            errors.append(f"{where}:{number}: there is no {match[1]}")
        elif title and f'"{title}"' not in source and f"MODEL({title}," not in source:
            errors.append(f"{where}:{number}: {match[1]} has no test {title}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--check", action="store_true", help="say what is wrong, change nothing")
    mode.add_argument("--write", action="store_true", help="rewrite the fences, then check")
    args = parser.parse_args()

    errors = []
    used = set()
    snippets = read_snippets(errors)
    pages = sorted({p for pattern in PAGES for p in ROOT.glob(pattern)})
    for page in pages:
        old = page.read_text()
        new = fill(page, snippets, used, errors)
        where = page.relative_to(ROOT)
        if new != old and args.write:
            page.write_text(new)
            print(f"wrote {where}")
        elif new != old:
            diff = difflib.unified_diff(old.splitlines(), new.splitlines(), str(where),
                                        "as the sources have it", lineterm="", n=1)
            errors.append("\n".join(diff))
        check_links(page, new, errors)
        check_tests(page, new, errors)
    errors.extend(f"no page shows snippet {name}" for name in sorted(snippets.keys() - used))

    for error in errors:
        print(error, file=sys.stderr)
    if errors:
        print(f"{len(errors)} faults in the documentation; `tools/docs.py --write` mends fences",
              file=sys.stderr)
        return 1
    print(f"{len(used)} snippets on {len(pages)} pages are as the sources have them")
    return 0


if __name__ == "__main__":
    sys.exit(main())
