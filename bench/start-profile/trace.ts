/** Reads what `strace -f -ttt` has written: which process made which system calls, and when. */

/** A system call, as it began. */
export interface TracedCall {
  /** In seconds, since some time. */
  readonly at: number;
  /** The process that made it, in whichever thread. */
  readonly pid: number;
  /** Such as `listen(3, 511) = 0`. */
  readonly text: string;
}

interface Line {
  readonly at: number;
  readonly tid: number;
  readonly text: string;
}

const LINE = /^(\d+) +(\d+\.\d+) (.*)$/;
const UNFINISHED = " <unfinished ...>";
const RESUMED = /^<\.\.\. \w+ resumed>(.*)$/;

/** The calls of a trace in the order in which they began. */
export function parseTrace(text: string): TracedCall[] {
  const lines = joined(text.split("\n").flatMap(parseLine));
  const parents = new Map(lines.flatMap(newThread));
  const processOf = (tid: number): number => {
    const parent = parents.get(tid);
    return parent === undefined ? tid : processOf(parent);
  };
  return lines.map(({ at, tid, text: call }) => ({ at, pid: processOf(tid), text: call }));
}

function parseLine(line: string): Line[] {
  const [, tid, at, text = ""] = LINE.exec(line) ?? [];
  return tid === undefined ? [] : [{ at: Number(at), tid: Number(tid), text }];
}

/** Puts together what was split, where a call of another thread came between begin and end. */
function joined(lines: readonly Line[]): Line[] {
  const found: Line[] = [];
  const open = new Map<number, number>();
  for (const line of lines) {
    const [, rest] = RESUMED.exec(line.text) ?? [];
    const [index, begin] = [open.get(line.tid) ?? -1, found[open.get(line.tid) ?? -1]];
    if (rest !== undefined && begin !== undefined) {
      found[index] = { ...begin, text: begin.text + rest };
      open.delete(line.tid);
    } else if (line.text.endsWith(UNFINISHED)) {
      open.set(line.tid, found.push({ ...line, text: line.text.slice(0, -UNFINISHED.length) }) - 1);
    } else found.push(line);
  }
  return found;
}

/** A thread that was made, and by whom. */
function newThread({ tid, text }: Line): [number, number][] {
  const [, made] = /^clone3?\(.*\bCLONE_THREAD\b.* = (\d+)$/.exec(text) ?? [];
  return made === undefined ? [] : [[Number(made), tid]];
}
