# SPDX-License-Identifier: MIT
"""What compare.py is made of: the programs, the measurements, the tables, the picture."""
