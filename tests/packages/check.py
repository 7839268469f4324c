#!/usr/bin/env python3
"""What is installed can be used: a small program is built in each of the usual ways, and run.

usage: check.py SOURCE BUILD

SOURCE is weft's tree, BUILD a finished meson build of it. Prints a line for each way: good, skipped
or failed, and why.
"""
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SKIPPED = 77
CXX = shlex.split(os.environ.get("CXX", "c++"))

PROGRAM = """\
#include <cstdio>
#include <weft/testing/run.h>
#include <weft/weft.h>

int main() {
  int sum = 0;
  weft::Generator<int> numbers([](auto& self) { self.yield(3), self.yield(4); });
  for (const int i : numbers) sum += i;
  weft::run([&] { sum *= weft::await(weft::create_task([] { return 5; })); });
  weft::testing::run([&] { weft::sleep(std::chrono::hours(1)), sum += 1; });
  std::printf("%d\\n", sum);
}
"""
PRINTED = "36\n"

# Put before PROGRAM where there is weft-tls.
TLS_PROGRAM = """\
#include <weft/tls.h>

[[maybe_unused]] static const bool made =
    weft::TlsContext::server({.identity = weft::make_certificate()}).is_client();
"""

MESON = """\
project('user', 'cpp', default_options: ['cpp_std=c++20', 'buildtype=plain'])
executable('user', 'main.cpp', dependencies: [dependency('weft'), dependency('weft_testing')TLS])
"""
WRAP = """\
[wrap-file]
directory = weft

[provide]
dependency_names = weft, weft_testing, weft-tls
"""

CMAKE = """\
cmake_minimum_required(VERSION 3.16)
project(user CXX)
find_package(weft 0.1 REQUIRED COMPONENTS weft testing TLS)
add_executable(user main.cpp)
target_link_libraries(user weft::testing WEFT_TLS weft::weft)
"""


class Skip(Exception):
    pass


class Failure(Exception):
    pass


def run(*command, **variables):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env={**os.environ, **variables})
    if done.returncode:
        raise Failure(f"{shlex.join(map(str, command))}: {done.returncode}\n{done.stdout}")
    return done.stdout


def need(tool):
    if not shutil.which(tool):
        raise Skip(f"there is no {tool}")


class Installed:
    """The build, installed under a folder that stands for the root."""

    def __init__(self, build, folder):
        need("meson")
        run("meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", folder)
        [self.pc] = folder.rglob("weft.pc")
        prefix = re.search(r"^prefix=(.*)$", self.pc.read_text(), re.MULTILINE)[1]
        self.prefix = folder / prefix.lstrip("/")
        self.libraries = self.pc.parent.parent
        self.has_tls = (self.pc.parent / "weft-tls.pc").exists()
        for file in self.pc.parent.glob("weft*.pc"):
            file.write_text(file.read_text().replace(f"prefix={prefix}", f"prefix={self.prefix}"))

    def flags(self, *options):
        need("pkg-config")
        names = ["weft_testing"] + ["weft-tls"] * self.has_tls
        return shlex.split(run("pkg-config", "--cflags", "--libs", *options, *names,
                               PKG_CONFIG_PATH=str(self.pc.parent)))


def execute(program, libraries=""):
    printed = run(program, LD_LIBRARY_PATH=str(libraries))
    if printed != PRINTED:
        raise Failure(f"it printed {printed!r} instead of {PRINTED!r}")


def shared(folder, installed, source):
    run(*CXX, folder / "main.cpp", "-o", folder / "user", *installed.flags())
    execute(folder / "user", installed.libraries)


def static(folder, installed, source):
    if not (installed.libraries / "libweft.a").exists():
        raise Skip("no static library was built")
    flags = [str(installed.libraries / f"lib{f[2:]}.a") if f.startswith("-lweft") else f
             for f in installed.flags("--static")]
    run(*CXX, folder / "main.cpp", "-o", folder / "user", *flags)
    if "libweft" in run("ldd", folder / "user"):
        raise Failure("it was linked with the shared library")
    execute(folder / "user")


def cmake(folder, installed, source, *options):
    need("cmake")
    if not (installed.libraries / "cmake/weft/weftConfig.cmake").exists():
        raise Skip("there was no cmake when weft was configured")
    tls = installed.has_tls
    (folder / "CMakeLists.txt").write_text(
        CMAKE.replace("WEFT_TLS", "weft::tls" * tls).replace("TLS", "tls" * tls))
    run("cmake", "-S", folder, "-B", folder / "build", *options,
        f"-DCMAKE_PREFIX_PATH={installed.prefix}")
    run("cmake", "--build", folder / "build")
    execute(folder / "build/user")


def cmake_static(folder, installed, source):
    cmake(folder, installed, source, "-Dweft_USE_STATIC_LIBS=ON")
    if "libweft" in run("ldd", folder / "build/user"):
        raise Failure("it was linked with the shared library")


def subproject(folder, installed, source):
    need("meson")
    weft = folder / "subprojects/weft"
    weft.mkdir(parents=True)
    for part in ("cmake", "include", "lib", "subprojects"):
        shutil.copytree(source / part, weft / part)
    for part in ("meson.build", "meson_options.txt"):
        shutil.copy(source / part, weft)
    (folder / "subprojects/weft.wrap").write_text(WRAP)
    (folder / "meson.build").write_text(
        MESON.replace("TLS", ", dependency('weft-tls')" * installed.has_tls))
    run("meson", "setup", folder / "build", folder, "--wrap-mode=nodownload",
        "-Ddefault_library=shared")
    run("ninja", "-C", folder / "build", "user")
    execute(folder / "build/user")


WAYS = {"pkg-config, shared": shared, "pkg-config, static": static, "CMake, shared": cmake,
        "CMake, static": cmake_static, "meson subproject": subproject}


def outcome(way, folder, installed, source):
    folder.mkdir()
    (folder / "main.cpp").write_text(TLS_PROGRAM * installed.has_tls + PROGRAM)
    try:
        way(folder, installed, source)
    except Skip as reason:
        return f"skipped: {reason}"
    except Failure as reason:
        return f"failed: {reason}"
    return "good"


def main(source, build):
    with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor(os.cpu_count()) as pool:
        place = Path(place)
        try:
            installed = Installed(build, place / "root")
        except Skip as reason:
            print(f"skipped: {reason}")
            return SKIPPED
        runs = {name: pool.submit(outcome, way, place / way.__name__, installed, source)
                for name, way in WAYS.items()}
        for name, result in runs.items():
            print(f"{name}: {result.result()}", flush=True)
        outcomes = [result.result() for result in runs.values()]
    if any(each.startswith("failed") for each in outcomes):
        return 1
    return 0 if "good" in outcomes else SKIPPED


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
