#!/usr/bin/env python3
"""The countdown prints what the loop written by hand prints.

usage: check_countdown.py BINARY
"""
import check_sleeping_loop

check_sleeping_loop.main()
