#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""tcp_transitions.tsv -> a C header with the legal state changes, for tests that watch a stack from outside.

    edges.py tcp_transitions.tsv edges.h

A row that says "(child)" gives the edge of the connection that a listener makes. Staying in a state is no edge.
"""

import csv
import sys

STATES = ["CLOSED", "LISTEN", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT",
          "CLOSING", "LAST-ACK", "TIME-WAIT"]


def main():
    if len(sys.argv) != 3:
        sys.exit("edges.py: want two arguments: tcp_transitions.tsv and the header to write")
    edges = {}
    with open(sys.argv[1], newline="") as table:
        for row in csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE):
            to = row["next"].replace(" (child)", "")
            if row["state"] not in STATES or to not in STATES:
                sys.exit(f"{sys.argv[1]}: row {row['id']}: no state named {row['state']!r} or {to!r}")
            if row["state"] != to:
                edges.setdefault(row["state"], set()).add(to)
    with open(sys.argv[2], "w") as out:
        out.write("/* Made by edges.py from tcp_transitions.tsv: bit n of spec_edges[s] = s may change to n. */\n")
        out.write("#include <stdint.h>\n\nstatic const uint16_t spec_edges[11] = {\n")
        for state in STATES:
            bits = sum(1 << STATES.index(to) for to in edges.get(state, ()))
            names = ", ".join(s for s in STATES if s in edges.get(state, ()))
            out.write(f"    0x{bits:03x}, /* {state} -> {names} */\n")
        out.write("};\n")


if __name__ == "__main__":
    main()
