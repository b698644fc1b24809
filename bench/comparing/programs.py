# SPDX-License-Identifier: MIT
"""The benchmark programs: burrow's and its peers'. Builds them and runs them.

Every program takes `-bench`, `-reps` and `-mem` and prints lines "name value unit". burrow must be
there; of the peers, what this machine cannot build is left out, and said.
"""

import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent
RUN_LIMIT_S = 900  # a process that takes longer is ended and reported


@dataclass
class Program:
    """One side of the comparison."""

    runtime: str  # its name in records: burrow, go, asio, fiber, tokio, bare
    label: str  # its name in tables
    path: Path
    version: str
    workers_in: str = ""  # the environment variable for the number of workers; else -workers
    benches: frozenset = frozenset()

    def run(self, bench, workers, reps, *extra):
        """Runs one benchmark; returns {name: (value, unit)}. Raises RunFailed."""
        command = [str(self.path), "-bench", bench, "-reps", str(reps), *extra]
        env = dict(os.environ)
        if self.workers_in:
            env[self.workers_in] = str(workers)
        else:
            command += ["-workers", str(workers)]
        try:
            done = subprocess.run(
                command, env=env, capture_output=True, text=True, timeout=RUN_LIMIT_S, check=False
            )
        except subprocess.TimeoutExpired as late:
            raise RunFailed(f"did not end within {RUN_LIMIT_S} s") from late
        if done.returncode != 0:
            raise RunFailed(f"status {done.returncode}: {last_line(done.stderr)}")
        return parse(done.stdout)


class RunFailed(Exception):
    """A program that crashed, found a wrong result or did not end."""


class CannotBuild(Exception):
    """Why a peer is left out."""


def last_line(text):
    lines = text.strip().splitlines()
    return lines[-1] if lines else "no message"


def parse(output):
    """The values that stand for a run: medians, without the suffix, and what has no suffix."""
    values = {}
    for line in output.splitlines():
        words = line.split()
        if line.startswith("#") or len(words) != 3 or words[0].endswith(".best"):
            continue
        values[words[0].removesuffix(".med")] = (float(words[1]), words[2])
    return values


def output_of(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        shown = " ".join(str(word) for word in command)
        raise CannotBuild(f"`{shown}`: {last_line(done.stderr or done.stdout)}")
    return done.stdout


def jobs():
    return str(len(os.sched_getaffinity(0)))


def build_cmake_target(build, target):
    done = subprocess.run(
        ["cmake", "--build", str(build), "--target", target, "-j", jobs()],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return
    output = done.stdout + done.stderr
    if "unknown target" in output or "No rule to make target" in output:
        raise CannotBuild("its headers are not installed")
    raise CannotBuild("its build failed:\n" + "\n".join(output.splitlines()[-20:]))


def find_tool(name, *elsewhere):
    found = shutil.which(name)
    if found:
        return found
    for folder in elsewhere:
        if (Path(folder).expanduser() / name).exists():
            return str(Path(folder).expanduser() / name)
    raise CannotBuild(f"`{name}` is not installed")


def build_burrow(build):
    build_cmake_target(build, "burrow_bench")
    return Program("burrow", "burrow", build / "bench/burrow_bench", "", "BURROW_PROCS")


def build_go(build):
    go = find_tool("go", "/usr/local/go/bin")
    path = build / "bench/peers/go_bench"
    env = dict(os.environ, GOTOOLCHAIN="local", GOFLAGS="-buildvcs=false")
    command = [go, "build", "-p", jobs(), "-o", str(path), "."]
    output_of(command, cwd=BENCH / "peers/go", env=env)
    version = output_of([go, "env", "GOVERSION"], env=env).strip().removeprefix("go")
    return Program("go", "Go", path, version, "GOMAXPROCS")


def cached(build, variable):
    """A variable of a CMake build folder; empty where it is not there."""
    cache = (build / "CMakeCache.txt").read_text()
    found = re.search(rf"^{variable}:\w+=(.*)$", cache, re.MULTILINE)
    return found.group(1) if found else ""


def build_asio(build):
    build_cmake_target(build, "asio_bench")
    header = Path(cached(build, "BURROW_asio_INCLUDE_DIR"), "asio/version.hpp").read_text()
    number = int(re.search(r"define ASIO_VERSION (\d+)", header).group(1))
    version = f"{number // 100000}.{number // 100 % 1000}.{number % 100}"
    return Program("asio", "asio", build / "bench/peers/asio_bench", version)


def build_fiber(build):
    build_cmake_target(build, "fiber_bench")
    header = Path(cached(build, "BURROW_fiber_INCLUDE_DIR"), "boost/version.hpp").read_text()
    version = re.search(r'BOOST_LIB_VERSION "([^"]+)"', header).group(1).replace("_", ".")
    return Program("fiber", "Boost.Fiber", build / "bench/peers/fiber_bench", version)


def build_bare(build):
    build_cmake_target(build, "bare_bench")
    return Program("bare", "bare epoll", build / "bench/peers/bare_bench", "")


def build_tokio(build):
    cargo = find_tool("cargo", "~/.cargo/bin")
    project = build / "bench/peers/tokio"
    shutil.copytree(BENCH / "peers/tokio", project, dirs_exist_ok=True)
    output_of([cargo, "build", "--release", "-j", jobs()], cwd=project)
    lock = (project / "Cargo.lock").read_text()
    version = re.search(r'name = "tokio"\nversion = "([^"]+)"', lock).group(1)
    return Program("tokio", "tokio", project / "target/release/tokio_bench", version)


BUILDERS = {
    "burrow": build_burrow,
    "go": build_go,
    "asio": build_asio,
    "fiber": build_fiber,
    "tokio": build_tokio,
    "bare": build_bare,
}


def build_all(build, runtimes, say):
    """Builds what can be built. Returns the programs, and {runtime: why it is left out}."""
    programs, missing = [], {}
    (build / "bench/peers").mkdir(parents=True, exist_ok=True)
    for runtime in runtimes:
        start = time.monotonic()
        try:
            program = BUILDERS[runtime](build)
        except CannotBuild as why:
            if runtime == "burrow":
                raise
            missing[runtime] = str(why)
            say(f"without {runtime}: {why}")
            continue
        program.benches = frozenset(output_of([str(program.path), "-list"]).split())
        programs.append(program)
        say(f"built {program.label} {program.version} ({time.monotonic() - start:.0f} s)")
    return programs, missing


def compiler_of(build):
    """The compiler of a CMake build folder, in words."""
    return output_of([cached(build, "CMAKE_CXX_COMPILER"), "--version"]).splitlines()[0]


def rust_version():
    try:
        return output_of([find_tool("rustc", "~/.cargo/bin"), "--version"]).strip()
    except CannotBuild:
        return ""
