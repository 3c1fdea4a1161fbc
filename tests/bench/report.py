# SPDX-License-Identifier: Apache-2.0
"""The bench's tables (Markdown) and its picture (SVG)."""

import os
import statistics

THROUGHPUT = ["work", "by", "messages/s, median", "spread", "against the first", "spread", "CPU s a million", "CPU against the first"]
LATENCY = ["rate", "by", "p50", "spread", "p99", "p99.9", "p50 against the first"]
MEASURED = ["by", "what", "measured"]


def bytes_text(n):
    return f"{n >> 20} MiB" if n >= 1 << 20 else f"{n >> 10} KiB" if n >= 1 << 10 else f"{n} B"


def human(n):
    return f"{n / 1e6:.2f}M" if n >= 1e6 else f"{n / 1e3:.1f}k" if n >= 1e3 else f"{n:.0f}"


def factor(n):
    return f"{n:.2f}x" if n >= 0.1 else f"{n:.4f}x"


def line(*cells):
    print(f"| {' | '.join(cells)} |", flush=True)


def head(title, columns):
    print(f"\n### {title}\n")
    line(*columns)
    print("|" + "---|" * len(columns), flush=True)


def failed(what, failure):
    print(f"FAILED {what}: {failure}", flush=True)


def not_installed(row, name, package):
    line(row, name, f"not installed ({package})", *["-"] * (len(THROUGHPUT) - 3))


def pairs(of, against):
    """Round by round: what both had then is in both numbers."""
    return [a.rate / b.rate for a, b in zip(of, against) if a and b]


def rows(title, row, results, hubs):
    """Prints a row for each; returns the bars (title, row, name, ratio to the first)."""
    bars = []
    first = results[next(iter(results))] if results else []
    base = statistics.median([r.cpu for r in first if r] or [0])
    for name, found in results.items():
        ratios = pairs(found, first)
        if not ratios:
            continue
        rates = [r.rate for r in found if r]
        cpu = statistics.median(r.cpu for r in found if r)
        spread = f"{human(min(rates))}-{human(max(rates))}"
        ratio = statistics.median(ratios)
        line(row, name, human(statistics.median(rates)), spread, factor(ratio), f"{min(ratios):.2f}-{max(ratios):.2f}", f"{cpu:.3f}",
             f"{cpu / base:.2f}x" if base else "-")  # fmt: skip
        if found is not first:
            bars.append((title, row, name, ratio))
    compare_builds(row, results, hubs)
    return bars


def compare_builds(row, results, hubs):
    for other in hubs[1:]:
        ratios = pairs(results.get(other, []), results.get(hubs[0], []))
        if ratios:
            cpu = statistics.median(b.cpu / a.cpu for a, b in zip(results[hubs[0]], results[other]) if a and b and a.cpu)
            line(row, f"**{other} against {hubs[0]}**", "", "", f"**{statistics.median(ratios):.2f}x**",
                 f"{min(ratios):.2f}-{max(ratios):.2f}", "", f"**{cpu:.2f}x**")  # fmt: skip


def latencies(rate, found):
    first = None
    for name, runs in found.items():
        if not runs:
            continue
        p = [statistics.median(r[i] for r in runs) for i in range(3)]
        p50 = [r[0] for r in runs]
        first = first or p[0]
        line(f"{rate:,}/s", name, f"{p[0]:.1f}", f"{min(p50):.1f}-{max(p50):.1f}", f"{p[1]:.1f}", f"{p[2]:.1f}", f"{p[0] / first:.2f}x")


def measured(name, what, value):
    line(name, what, value)


# ---- the picture

STYLE = """
  svg { font: 12px system-ui, sans-serif; }
  .back { fill: #ffffff; } text { fill: #1f2328; } .soft { fill: #59636e; } .grid { stroke: #d1d9e0; } .one { stroke: #1f2328; }
  .bar0 { fill: #2f6fb5; } .bar1 { fill: #c2620f; } .bar2 { fill: #6e7781; }
  @media (prefers-color-scheme: dark) {
    .back { fill: #0d1117; } text { fill: #e6edf3; } .soft { fill: #9198a1; } .grid { stroke: #30363d; } .one { stroke: #e6edf3; }
    .bar0 { fill: #58a6ff; } .bar1 { fill: #f0883e; } .bar2 { fill: #8b949e; }
  }
"""
LEFT, WIDTH, RIGHT, STEP, TOP = 290, 520, 80, 18, 64


def picture(path, bars, hubs, machine):
    """Bars of throughput against cat on the same work, one row each, grouped by work."""
    scale = WIDTH / max(1.2, *(ratio for *_, ratio in bars))
    parts, y, group = [], TOP, None
    for title, row, name, ratio in bars:
        if title != group:
            group = title
            y += 14
            parts.append(f'<text x="12" y="{y + 12}" font-weight="600">{escaped(title)}</text>')
            y += STEP + 2
        parts.append(bar(y, row, name, ratio, scale, hubs))
        y += STEP
    height = y + 40
    width = LEFT + WIDTH + RIGHT
    head = [f'<rect class="back" width="{width}" height="{height}"/>',
            f'<text x="12" y="24" font-size="15" font-weight="600">Throughput against cat on the same work (1 = as fast as cat)</text>',
            f'<text class="soft" x="12" y="42">{escaped(machine)}; median of interleaved pairs; longer is better</text>']  # fmt: skip
    text = "\n".join([*head, *axis(scale, height - 30), *parts])
    with open(path, "w") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">\n'
                   f"<title>Throughput against cat</title>\n<style>{STYLE}</style>\n{text}\n</svg>\n")  # fmt: skip
    return os.path.abspath(path)


def bar(y, row, name, ratio, scale, hubs):
    kind = min(hubs.index(name), 1) if name in hubs else 2
    label = name if "," not in row else row if [name] == hubs else f"{row}: {name}"  # one row alone needs no name
    length = max(ratio * scale, 1)
    return (
        f'<text class="soft" x="{LEFT - 8}" y="{y + 12}" text-anchor="end">{escaped(label)}</text>'
        f'<rect class="bar{kind}" x="{LEFT}" y="{y + 3}" width="{length:.1f}" height="{STEP - 6}" rx="2"/>'
        f'<text x="{LEFT + length + 5:.1f}" y="{y + 12}">{factor(ratio)}</text>'
    )


def axis(scale, bottom):
    lines = []
    for i in range(int(WIDTH / scale * 4 + 1e-9) + 1):
        x = LEFT + i / 4 * scale
        style = "one" if i == 4 else "grid"
        lines.append(f'<line class="{style}" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom}"/>')
        lines.append(f'<text class="soft" x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{i / 4:g}x</text>')
    return lines


def escaped(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
