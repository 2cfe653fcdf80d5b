import { escaped, svg, text } from "../svg.ts";
import type { Lane } from "./marks.ts";
import type { Step } from "./steps.ts";

const WIDTH = 800;
const LEFT = 240;
const RIGHT = 730;
const TOP = 66;
const LINE = 19;

const STYLE = `
    .start { fill: #4a7fc1 }
    .server { fill: #2c8a4b }`;

const NAMES: Readonly<Record<Lane, string>> = { start: "start", server: "server" };

/** Where the time of a start goes, as SVG: a bar for each step, in the order of time, process by process. */
export function picture(steps: readonly Step[]): string {
  const end = Math.max(1, ...steps.map(({ to }) => to));
  const x = (ms: number) => LEFT + (ms / end) * (RIGHT - LEFT);
  const drawn: string[] = [];
  let y = TOP;
  for (const [at, step] of steps.entries()) {
    if (step.lane !== steps[at - 1]?.lane) {
      drawn.push(text(16, y + 4, NAMES[step.lane], 'class="name"'));
      y += LINE;
    }
    drawn.push(...bar(step, y, x));
    y += LINE;
  }
  return svg({
    width: WIDTH,
    height: y + 8,
    title: "Where the time of a start goes (ms)",
    desc: "A bar for each step of both processes, from the moment at which the start was executed.",
    style: STYLE,
    lines: [...grid(end, y - LINE, x), ...drawn],
  });
}

function bar({ lane, title, from, to }: Step, y: number, x: (ms: number) => number): string[] {
  const [left, width] = [x(from), Math.max(1, x(to) - x(from))];
  const told = `${title.replaceAll("`", "")}: after ${to.toFixed(1)} ms`;
  return [
    text(LEFT - 14, y + 4, title.replaceAll("`", ""), 'class="soft" text-anchor="end" font-size="11"'),
    `<rect class="${lane}" x="${left.toFixed(1)}" y="${y - 6}" width="${width.toFixed(1)}" height="12"><title>${escaped(told)}</title></rect>`,
    text((left + width + 5).toFixed(1), y + 4, (to - from).toFixed(1), 'class="soft" font-size="11"'),
  ];
}

/** A line every so many milliseconds, of which there are not too many. */
function grid(end: number, bottom: number, x: (ms: number) => number): string[] {
  const every = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((ms) => end / ms <= 10) ?? 1_000;
  const ticks = Array.from({ length: Math.floor(end / every) + 1 }, (_, at) => at * every);
  return ticks.flatMap((tick) => {
    const at = x(tick).toFixed(1);
    return [
      `<path class="line" d="M${at} ${TOP - 12}V${bottom + 8}"/>`,
      text(at, TOP - 18, String(tick), 'class="soft" text-anchor="middle" font-size="11"'),
    ];
  });
}
