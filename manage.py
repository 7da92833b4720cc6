#!/usr/bin/env python
"""Run a management command of Approvals in a clone, without having installed it."""

from approvals.command import main

if __name__ == "__main__":
    main()
