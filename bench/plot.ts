import type { RowResult } from "./result.ts";
import { escaped, svg, text } from "./svg.ts";
import { ratioOf } from "./table.ts";

/** A line of the picture: a figure of a row, ours and all others. */
interface Line {
  /** What others than the first line of a row do not repeat. */
  readonly group: string;
  readonly title: string;
  readonly dots: readonly Dot[];
}

interface Dot {
  readonly label: string;
  readonly ours: boolean;
  /** How many times as much as the Go shim it costs. */
  readonly cost: number;
}

const WIDTH = 800;
/** As many letters as there is room for beside the scale. */
const TITLE = 50;
/** Where the scale begins and ends, and the first line is. */
const LEFT = 330;
const RIGHT = 720;
const TOP = 78;
const LINE = 19;
const GROUP = 25;

const STYLE = `
    .one { stroke: #7d8590; stroke-width: 1.5 }
    .less { fill: #2c8a4b; stroke: #2c8a4b }
    .more { fill: #d9622b; stroke: #d9622b }
    .other { fill: none; stroke: #4a7fc1; stroke-width: 1.5 }
    .way { stroke-width: 3; stroke-opacity: .35 }`;

/** A picture of what everything costs, as many times as with the Go shim, as SVG: the further left, the less. */
export function plot(results: readonly RowResult[]): string {
  const lines = results.flatMap(linesOf);
  const scale = scaleOf(lines.flatMap(({ dots }) => dots.map(({ cost }) => cost)));
  const drawn: string[] = [];
  let y = TOP;
  for (const [at, line] of lines.entries()) {
    if (line.group !== lines[at - 1]?.group) {
      drawn.push(text(16, y + 4, line.group, 'class="name"'));
      y += LINE;
    }
    drawn.push(...draw(line, y, scale));
    y += line.group === lines[at + 1]?.group ? LINE : GROUP;
  }
  return page(y, [...grid(scale, y - GROUP + 8), ...drawn, ...legend(lines, y)]);
}

/** The figures of a row that can be compared with the Go shim's; of several of ours each has lines of its own. */
function linesOf({ title: group, tables }: RowResult): Line[] {
  const labels = tables.flatMap(({ subjects }) => subjects.map(({ label }) => label));
  const ours = [...new Set(labels.filter(isOurs))];
  return ours.flatMap((label) =>
    tables.flatMap((table) => {
      const dots = dotsOf(table).filter((dot) => !dot.ours || dot.label === label);
      const told = `${table.title.replaceAll("`", "")}${table.better === "more" ? ", as time" : ""}`;
      const name = ours.length > 1 ? `${group}: ${label}` : group;
      return dots.some((dot) => dot.ours) ? [{ group: name, title: told, dots }] : [];
    }),
  );
}

function isOurs(label: string): boolean {
  return label.includes("ebb");
}

/** What is told per second is turned into its cost. */
function dotsOf({ better, subjects }: RowResult["tables"][number]): Dot[] {
  return subjects.flatMap(({ label, ratio }) => {
    if (ratio === undefined || !(ratio > 0)) return [];
    return [{ label, ours: isOurs(label), cost: better === "more" ? 1 / ratio : ratio }];
  });
}

/** Where on a logarithmic scale a cost lies, and which ones are written to it. */
interface Scale {
  readonly ticks: readonly number[];
  x(cost: number): number;
}

function scaleOf(costs: readonly number[]): Scale {
  const all = [0.001, 0.01, 0.1, 0.5, 1, 2, 5, 10, 100];
  const [least, most] = [Math.min(0.5, ...costs), Math.max(2, ...costs)];
  const lowest = Math.max(...all.filter((tick) => tick <= least), Math.min(...all));
  const highest = Math.min(...all.filter((tick) => tick >= most), Math.max(...all));
  const ticks = all.filter((tick) => tick >= lowest && tick <= highest);
  const share = (cost: number) => Math.log(cost / lowest) / Math.log(highest / lowest);
  return { ticks, x: (cost) => LEFT + Math.min(1, Math.max(0, share(cost))) * (RIGHT - LEFT) };
}

function draw({ title, dots }: Line, y: number, { x }: Scale): string[] {
  const short = title.length > TITLE ? `${title.slice(0, TITLE - 1)}…` : title;
  const drawn = [text(LEFT - 14, y + 4, short, 'class="soft" text-anchor="end" font-size="11"')];
  for (const { label, ours, cost } of [...dots].sort((a, b) => Number(a.ours) - Number(b.ours))) {
    const kind = ours ? (cost > 1 ? "more" : "less") : "other";
    const at = x(cost).toFixed(1);
    if (ours) drawn.push(`<path class="${kind} way" d="M${x(1).toFixed(1)} ${y}H${at}"/>`);
    const told = `<title>${escaped(`${label}: ${ratioOf(cost)}`)}</title>`;
    drawn.push(`<circle class="${kind}" cx="${at}" cy="${y}" r="${ours ? 4.5 : 3.5}">${told}</circle>`);
    if (ours) drawn.push(text(WIDTH - 16, y + 4, ratioOf(cost), 'text-anchor="end" font-size="11"'));
  }
  return drawn;
}

function grid({ ticks, x }: Scale, bottom: number): string[] {
  return ticks.flatMap((tick) => {
    const at = x(tick).toFixed(1);
    return [
      `<path class="${tick === 1 ? "one" : "line"}" d="M${at} ${TOP - 16}V${bottom}"/>`,
      text(at, TOP - 22, `${tick}×`, 'class="soft" text-anchor="middle" font-size="11"'),
    ];
  });
}

function legend(lines: readonly Line[], y: number): string[] {
  const others = lines.some(({ dots }) => dots.some(({ ours }) => !ours));
  const keys: [string, string][] = [
    ["less", "ebb, less"],
    ["more", "ebb, more"],
  ];
  if (others) keys.push(["other", "a newer Go shim, or what the table says"]);
  return keys.flatMap(([kind, title], at) => {
    const x = LEFT + at * 95;
    return [
      `<circle class="${kind}" cx="${x}" cy="${y + 2}" r="4.5"/>`,
      text(x + 10, y + 6, title, 'class="soft" font-size="11"'),
    ];
  });
}

function page(y: number, drawn: readonly string[]): string {
  return svg({
    width: WIDTH,
    height: y + 22,
    title: "What ebb costs, as many times as containerd's own shim (left is less)",
    desc: "A dot for each figure on a logarithmic scale: left of the line at 1 ebb takes less, right of it more.",
    style: STYLE,
    lines: drawn,
  });
}
