#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Asks the kernel for an io_uring. Ends with status 0 if it gives one, else says why not.

Containers often refuse it, and then the tests run on epoll alone.
"""

import ctypes
import os
import sys

IO_URING_SETUP = 425  # the same number on x86-64 and arm64
PARAMS_BYTES = 120


def main():
    libc = ctypes.CDLL(None, use_errno=True)
    params = ctypes.create_string_buffer(PARAMS_BYTES)
    ring = libc.syscall(ctypes.c_long(IO_URING_SETUP), ctypes.c_uint(1), params)
    if ring < 0:
        sys.exit(f"io_uring is refused here: {os.strerror(ctypes.get_errno())}")
    os.close(ring)


if __name__ == "__main__":
    main()
