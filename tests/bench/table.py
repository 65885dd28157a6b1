"""Results as tables: medians and ranges, ratios to each peer, and what was reached of what must be.

A result is {"row", "case", "subject", and what rows.py measured}, or has "failed": why. Of the row `codec` the subject is a
compressor. Nothing in here measures."""

import collections
import statistics

MIB = 1 << 20
NAMES = {
    "mb_s": ("MB/s", 1, ".1f"),
    "cpu_s_gb": ("CPU-s/GB", 1, ".2f"),
    "cpu": ("CPU %", 1, ".2f"),
    "peak": ("peak MiB", MIB, ".1f"),
    "median": ("median MiB", MIB, ".1f"),
    "wire": ("wire/input", 1, ".3f"),
    "posts": ("POSTs", 1, ".0f"),
    "posts_s": ("POSTs/s", 1, ".1f"),
    "faults": ("faulty answers", 1, ".0f"),
    "lost": ("lost", 1, ".0f"),
    "repeated": ("repeated", 1, ".0f"),
    "unexplained": ("of them not a whole body again", 1, ".0f"),
    "limit": ("read + encode + pack, CPU-s/GB", 1, ".2f"),
    "pack": ("of it packing", 1, ".2f"),
    "ratio": ("bodies/input", 1, ".3f"),
}
COLUMNS = {
    "codec": ("limit", "pack", "ratio"),
    "drain": ("mb_s", "cpu_s_gb", "peak", "median", "wire", "posts", "lost", "repeated"),
    "redact": ("mb_s", "cpu_s_gb", "peak", "wire", "lost", "repeated"),
    "steady": ("cpu", "peak", "median", "wire", "posts_s", "lost", "repeated"),
    "files": ("cpu", "peak", "median", "posts_s", "lost", "repeated"),
    "faults": ("faults", "lost", "repeated", "unexplained"),
}
RATIOS = ("mb_s", "cpu_s_gb", "cpu", "peak", "median", "wire")
TITLES = {
    "codec": "The codec's own limit",
    "drain": "Drain",
    "redact": "Redaction on clean lines",
    "steady": "Steady",
    "files": "Active files, 5,000 lines/s in all",
    "faults": "Faults",
}


class Found:
    """All results, asked by row, case and subject."""

    def __init__(self, results):
        self.results = results

    def cases(self, row):
        return list(dict.fromkeys(r["case"] for r in self.results if r["row"] == row))

    def subjects(self, row, case):
        return list(dict.fromkeys(r["subject"] for r in self.results if (r["row"], r["case"]) == (row, case)))

    def runs(self, row, case, subject):
        return [r for r in self.results if (r["row"], r["case"], r["subject"]) == (row, case, subject)]

    def values(self, row, case, subject, name):
        return [r[name] for r in self.runs(row, case, subject) if name in r]

    def median(self, row, case, subject, name):
        """None: it was not measured."""
        values = self.values(row, case, subject, name)
        return statistics.median(values) if values else None

    def worst(self, row, case, subject, name):
        return max(self.values(row, case, subject, name), default=None)


def cell(values, name):
    """The median, and behind it the range where there is one."""
    _, by, form = NAMES[name]
    if not values:
        return "-"
    middle, low, high = (format(v / by, form) for v in (statistics.median(values), min(values), max(values)))
    return middle if low == high else f"{middle} ({low}-{high})"


def markdown(head, rows):
    """Columns stand below each other also for who reads the text."""
    width = [max(len(str(r[i])) for r in [head, *rows]) for i in range(len(head))]
    yield "| " + " | ".join(str(h).ljust(w) for h, w in zip(head, width, strict=True)) + " |"
    yield "|" + "|".join("-" * (w + 2) for w in width) + "|"
    for row in rows:
        yield "| " + " | ".join(str(c).ljust(w) for c, w in zip(row, width, strict=True)) + " |"


def row_table(found, row, absent=()):
    columns = COLUMNS[row]
    lines = []
    for case in found.cases(row):
        for subject in found.subjects(row, case):
            cells = [cell(found.values(row, case, subject, name), name) for name in columns]
            lines.append([case, subject, *cells])
        if row in ("drain", "steady", "files"):
            lines += [[case, f"reeve : {peer}", *ratios] for peer, ratios in ratios_of(found, row, case, columns)]
    lines += [
        ["", name, "absent", *("" for _ in columns[1:])]
        for name in absent
        if row in ("drain", "steady", "files", "faults")
    ]
    titles = ["case", "program", *(NAMES[name][0] for name in columns)]
    skip = 0 if any(line[0] for line in lines) else 1  # a row without cases
    yield from markdown(titles[skip:], [line[skip:] for line in lines])
    for r in found.results:
        if r["row"] == row and "failed" in r:
            yield f"\n{r['subject']}, {r['case'] or row}: failed: {r['failed']}"


def ratios_of(found, row, case, columns):
    for peer in found.subjects(row, case):
        if peer == "reeve":
            continue
        cells = []
        for name in columns:
            ours, theirs = (found.median(row, case, who, name) for who in ("reeve", peer))
            cells.append(f"{ours / theirs:.2f}" if name in RATIOS and ours is not None and theirs else "")
        if any(cells):
            yield peer, cells


def said(found):
    """What Reeve itself counted, a line for each case in which there was something."""
    sums = collections.defaultdict(collections.Counter)
    for r in found.results:
        if r.get("said"):
            sums[r["row"], r["case"]].update(r["said"])
    for (row, case), counts in sums.items():
        yield f"- {row} {case}: ".replace(" :", ":") + ", ".join(f"{name} {n}" for name, n in sorted(counts.items()))


# ---- what must be reached ----


def targets(found):
    """(what, the limit, what was seen, reached): of the drain, steady work, faults, redaction; what was not measured is not told."""
    yield from drain_targets(found)
    cpu, memory = (found.median("steady", "5,000 lines/s", "reeve", name) for name in ("cpu", "median"))
    yield from at_most("steady 5,000 lines/s: CPU %", 1.0, cpu, ".2f")
    yield from at_most("steady 5,000 lines/s: median resident MiB", 10, memory and memory / MIB, ".1f")
    yield from fault_targets(found)
    plain, ruled = (found.median("redact", case, "reeve", "cpu_s_gb") for case in ("no rule", "ten rules"))
    yield from at_most(
        "ten redaction rules and all detectors: CPU against none", 1.5, plain and ruled and ruled / plain, ".2f"
    )


def at_most(what, limit, seen, form):
    if seen is not None:
        yield what, f"<= {format(limit, form)}", format(seen, form), seen <= limit


def drain_targets(found):
    yield from packed_targets(found, "")
    yield from packed_targets(found, "zstd")


def packed_targets(found, case):
    def of(name, subject="reeve"):
        return found.median("drain", case, subject, name)

    row, codec = f"drain {case}".rstrip(), next(iter(found.values("drain", case, "reeve", "codec")), None)
    limit, cpu, speed = found.median("codec", "", codec, "limit"), of("cpu_s_gb"), of("mb_s")
    yield from at_most(f"{row}: CPU against the limit of {codec}", 1.5, limit and cpu and cpu / limit, ".2f")
    if codec != "zlib-1":
        yield from at_most(f"{row}: CPU-s/GB", 3.5, cpu, ".2f")
        if speed is not None:
            yield f"{row}: MB/s", ">= 200", f"{speed:.1f}", speed >= 200
    peer, share = found.median("drain", "", "fluent-bit", "cpu_s_gb"), 1 / 3 if codec == "zlib-1" else 0.1
    yield from at_most(f"{row}: CPU against Fluent Bit", share, peer and cpu and cpu / peer, ".2f")
    peak = found.worst("drain", case, "reeve", "peak")
    yield from at_most(f"{row}: peak resident MiB, of all runs", 24, peak and peak / MIB, ".1f")
    yield from at_most(f"{row}: wire against input", 0.24 if codec == "zstd-1" else 0.29, of("wire"), ".3f")


def fault_targets(found):
    for case in found.cases("faults"):
        lost, unexplained = (found.worst("faults", case, "reeve", name) for name in ("lost", "unexplained"))
        if lost is None:
            continue
        if case == "copytruncate":
            runs = found.runs("faults", case, "reeve")
            share = max(r["lost"] / r["written"] for r in runs if "lost" in r)
            counted = all(r["said"].get("truncated_files") for r in runs if r.get("lost"))
            yield (
                f"{case}: lost",
                "< 0.5 %, counted",
                f"{100 * share:.2f} %{'' if counted else ', not counted'}",
                share < 0.005 and counted,
            )
        else:
            yield f"{case}: lost", "0", str(lost), lost == 0
        yield f"{case}: repeated but for answers that were lost", "0", str(unexplained), unexplained == 0


def targets_table(found):
    lines = [[what, limit, seen, "reached" if ok else "MISSED"] for what, limit, seen, ok in targets(found)]
    return markdown(["what must be", "limit", "seen", ""], lines) if lines else ()


def whole(found, absent=(), sizes=None):
    """All of it, as lines of Markdown. `sizes`: what was done in a row, by its name."""
    for row, title in TITLES.items():
        if found.cases(row):
            yield f"\n## {title}\n"
            if sizes and row in sizes:
                yield f"{sizes[row]}\n"
            yield from row_table(found, row, absent)
    counted = list(said(found))
    if counted:
        yield "\n## What Reeve counted itself\n\nSums of all runs; of a run that was killed, of its last life alone.\n"
        yield from counted
    table = list(targets_table(found))
    if table:
        yield "\n## Reached and missed\n"
        yield from table
