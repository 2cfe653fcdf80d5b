import type { ReleaseMode } from "../../src/base/release-mode.ts";

/** How a rootfs goes: by one of ebb's modes, or by umount(8), as other shims do. */
export type Way = ReleaseMode | "a plain unmount";

/** What a power cut may do to a file. */
export type Fate = "kept" | "may be lost";

/** What is left of a container's files when the power fails at one moment. */
export interface Outcome {
  readonly way: Way;
  readonly moment: string;
  /** A file that was written, and no more. */
  readonly written: Fate;
  /** One for which `fsync` succeeded in the container. */
  readonly synced: Fate;
}

type Row = readonly [way: Way, moment: string, written: Fate, synced: Fate];

const ROWS: readonly Row[] = [
  ["deferred", "the container runs", "may be lost", "kept"],
  ["deferred", "Delete has answered, the helper is at work", "may be lost", "kept"],
  ["deferred", "the helper has ended", "kept", "kept"],
  ["strict", "the container runs", "may be lost", "kept"],
  ["strict", "Delete has not answered yet", "may be lost", "kept"],
  ["strict", "Delete has answered", "kept", "kept"],
  ["volatile", "the container runs", "may be lost", "may be lost"],
  ["volatile", "Delete has answered and the helper has ended", "may be lost", "may be lost"],
  ["volatile", "the kernel has written everything in its own time", "kept", "kept"],
  ["a plain unmount", "the container runs", "may be lost", "kept"],
  ["a plain unmount", "Delete has not answered yet", "may be lost", "kept"],
  ["a plain unmount", "Delete has answered", "kept", "kept"],
];

/** What each mode promises: the power-cut tests find exactly this, and docs/unmount.md says exactly this. */
export const OUTCOMES: readonly Outcome[] = ROWS.map(([way, moment, written, synced]) => ({
  way,
  moment,
  written,
  synced,
}));

/** The promises as docs/unmount.md has them. */
export function outcomeTable(): string {
  const code = (way: Way) => (way === "a plain unmount" ? way : `\`${way}\``);
  const rows = ROWS.map(([way, ...cells]) => [code(way), ...cells]);
  const head = [
    "mode",
    "the power fails when",
    "a file that was written",
    "and `fsync` in the container succeeded",
  ];
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  return `${lines.join("\n")}\n`;
}
