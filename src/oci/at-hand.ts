import fs from "node:fs";
import path from "node:path";
import { close, open, read } from "../base/file-calls.ts";

/** What the kernel reads of a program before it runs, and whoever starts it goes on (load_elf_binary in fs/binfmt_elf.c). */
const BEGINNING_BYTES = 4_096;

/**
 * Has the beginning of a program in memory, which is read off the main thread: starting one whose file is on a disk that
 * hangs, and no longer in memory, would hold up all else until that has answered. Whether it is there, and can be run, is
 * for the start itself to tell.
 */
export async function haveAtHand(file: string, env: NodeJS.ProcessEnv): Promise<void> {
  for (const candidate of candidates(file, env.PATH ?? "")) {
    try {
      const fd = await open(candidate, fs.constants.O_RDONLY);
      try {
        await read(fd, Buffer.alloc(BEGINNING_BYTES), 0, BEGINNING_BYTES);
      } finally {
        await close(fd);
      }
      return;
    } catch {
      // It is elsewhere, or cannot be read, which does not keep it from being run.
    }
  }
}

/** Where a program of that name may be, in the order in which it is looked for. */
function candidates(file: string, searched: string): string[] {
  return file.includes("/") ? [file] : searched.split(":").map((dir) => path.join(dir, file));
}
