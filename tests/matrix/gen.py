#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""tcp_transitions.tsv + the files with its handlers -> the list of tests.

    gen.py tcp_transitions.tsv rows.h rows_a.c rows_b.c ...

A handler of row FIN-WAIT-1.07 begins a line with ROW(FIN_WAIT_1_07, ways), USE(FIN_WAIT_1_07, ways, function) or SKIP(FIN_WAIT_1_07, "why"). It is an error
when a row has no handler or two, or when a handler has no row.
"""

import csv
import re
import sys

STATES = ["CLOSED", "LISTEN", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT",
          "CLOSING", "LAST-ACK", "TIME-WAIT"]
HANDLER = re.compile(r"^(ROW|SKIP|USE)\((\w+),", re.MULTILINE)


def symbol(row_id):
    return row_id.replace("-", "_").replace(".", "_")


def read_rows(path):
    with open(path, newline="") as table:
        rows = list(csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE))
    for row in rows:
        row["next"] = row["next"].replace(" (child)", "")
        if row["state"] not in STATES or row["next"] not in STATES:
            sys.exit(f"{path}: row {row['id']}: no state named {row['state']!r} or {row['next']!r}")
    return rows


def read_handlers(paths):
    found = {}
    for path in paths:
        with open(path) as source:
            for _, name in HANDLER.findall(source.read()):
                if name in found:
                    sys.exit(f"{path}: {name} is handled twice, first in {found[name]}: remove one of the two")
                found[name] = path
    return found


def main():
    if len(sys.argv) < 4:
        sys.exit("gen.py: want tcp_transitions.tsv, the header to write and the C files with the handlers")
    table, header, sources = sys.argv[1], sys.argv[2], sys.argv[3:]
    rows, handlers = read_rows(table), read_handlers(sources)
    names = [symbol(row["id"]) for row in rows]
    missing = [row["id"] for row, name in zip(rows, names) if name not in handlers]
    if missing:
        sys.exit(f"{table}: no handler for {' '.join(missing)}: write ROW({symbol(missing[0])}, ways) in {sources[-1]}")
    for name in sorted(set(handlers) - set(names)):
        sys.exit(f"{handlers[name]}: {name} is no row of {table}: rename or remove the handler")
    with open(header, "w") as out:
        out.write("/* Made by gen.py from tcp_transitions.tsv. */\n")
        for name in names:
            out.write(f"extern const struct row_handler row_{name};\n")
        out.write(f"#define MATRIX_ROWS {len(rows)}\n#ifdef MATRIX_TABLE\n")
        out.write("static const struct row matrix[MATRIX_ROWS] = {\n")
        for row, name in zip(rows, names):
            start, end = STATES.index(row["state"]), STATES.index(row["next"])
            out.write(f'    {{"{row["id"]}", {start}, {end}, &row_{name}}},\n')
        out.write("};\n#endif\n")


if __name__ == "__main__":
    main()
