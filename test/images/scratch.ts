import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after } from "node:test";

/** A directory for a test file, removed after it, with a new one in it for each call. */
export function scratch(): () => string {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "ebb-images-"));
  after(() => fs.rmSync(dir, { recursive: true, force: true }));
  return () => fs.mkdtempSync(path.join(dir, "images-"));
}

/** Processes at work in there make and remove files meanwhile. */
const NO_THROW = { throwIfNoEntry: false } as const;

/** The files below a directory, each with its path from there. */
export function filesBelow(directory: string): string[] {
  if (!fs.existsSync(directory)) return [];
  const names = fs.readdirSync(directory, { recursive: true }).map(String);
  const isFile = (name: string) =>
    fs.lstatSync(path.join(directory, name), NO_THROW)?.isDirectory() === false;
  return names.filter(isFile).sort();
}
