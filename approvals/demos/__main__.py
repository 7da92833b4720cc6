"""Run one of the scripts, and end with the process that started it."""

import ctypes
import runpy
import signal
import sys

_PR_SET_PDEATHSIG = 1

if __name__ == "__main__":
    if sys.platform == "linux":  # elsewhere a killed server's flows end when its next one starts
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    runpy.run_module(f"approvals.demos.{sys.argv[1]}", run_name="__main__")
