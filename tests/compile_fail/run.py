#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that a source does not compile, and that the compiler says why.

usage: run.py SOURCE -- COMPILER FLAGS...

SOURCE opens with `// expect: TEXT`, once or several times: each TEXT must occur in what the
compiler says. `// expect-gcc:` and `// expect-clang:` hold for one compiler alone. With -DCONTROL
the same source must compile, so that it fails for the stated reason and for no other.
"""

import re
import subprocess
import sys

RULE = re.compile(r"// expect(?:-(gcc|clang))?: (.*)")


def expected(source, compiler_kind):
    texts = []
    with open(source) as lines:
        for line in lines:
            match = RULE.match(line.rstrip("\n"))
            if not match:
                break
            if match[1] in (None, compiler_kind):
                texts.append(match[2].strip())
    return texts


def kind_of(compiler):
    version = subprocess.run([compiler, "--version"], capture_output=True, text=True).stdout
    return "clang" if "clang" in version else "gcc"


def compile_source(command, source):
    command = [*command, "-fsyntax-only", source]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    return done.returncode == 0, done.stdout + done.stderr


def main():
    source, separator, *command = sys.argv[1:]
    assert separator == "--", __doc__
    texts = expected(source, kind_of(command[0]))
    if not texts:
        sys.exit(f"{source} does not begin with `// expect: TEXT`")

    compiled, said = compile_source([*command, "-DCONTROL"], source)
    if not compiled:
        sys.exit(f"the control (-DCONTROL) does not compile:\n{said}")
    compiled, said = compile_source(command, source)
    if compiled:
        sys.exit("it compiles, but must not")
    if lacking := [text for text in texts if text not in said]:
        sys.exit("\n".join([*(f"the compiler does not say: {text}" for text in lacking), said]))


if __name__ == "__main__":
    main()
