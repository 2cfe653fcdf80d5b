/**
 * Calls on files off the main thread. `node:fs/promises` takes 0.9 ms to load and to use for the first time, and has
 * objects in place of descriptors, which close themselves when they are collected; node:util, which makes promises of
 * any call, is half a megabyte that an idle shim would hold.
 */
import fs from "node:fs";

type Done<T> = (error: Error | null, value: T) => void;

function promised<T>(call: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, value) => (error === null ? resolve(value) : reject(error)));
  });
}

/** open(2); a file that it makes has the mode. */
export function open(file: string, flags: number, mode?: number): Promise<number> {
  return promised((done) => fs.open(file, flags, mode, done));
}

/** close(2). */
export function close(fd: number): Promise<void> {
  return promised((done) => fs.close(fd, (error) => done(error ?? null, undefined)));
}

/** fstat(2). */
export function fstat(fd: number): Promise<fs.Stats> {
  return promised((done) => fs.fstat(fd, done));
}

/** read(2) of up to `length` bytes to a place in a buffer; how many there were. */
export function read(fd: number, buffer: Uint8Array, offset: number, length: number): Promise<number> {
  return promised((done) => fs.read(fd, buffer, offset, length, null, done));
}

/** fchown(2). */
export function fchown(fd: number, uid: number, gid: number): Promise<void> {
  return promised((done) => fs.fchown(fd, uid, gid, (error) => done(error ?? null, undefined)));
}

/** stat(2), with numbers that are exact: those of inodes go beyond what a JavaScript number holds. */
export function exactStat(file: string): Promise<fs.BigIntStats> {
  return promised((done) => fs.stat(file, { bigint: true }, done));
}

/** realpath(3). */
export function realpath(file: string): Promise<string> {
  return promised((done) => fs.realpath.native(file, done));
}

/** readlink(2). */
export function readlink(file: string): Promise<string> {
  return promised((done) => fs.readlink(file, done));
}

/** The names in a directory. */
export function readdir(dir: string): Promise<string[]> {
  return promised((done) => fs.readdir(dir, done));
}

/** rmdir(2). */
export function rmdir(dir: string): Promise<void> {
  return promised((done) => fs.rmdir(dir, (error) => done(error, undefined)));
}

/** All of a file as text. */
export function readText(file: string): Promise<string> {
  return promised((done) => fs.readFile(file, "utf8", done));
}

/** Writes text over what a file has, or to a file of the kernel's; `ENOENT` where there is none. */
export function writeText(file: string, text: string): Promise<void> {
  return promised((done) => fs.writeFile(file, text, { flag: "r+" }, (error) => done(error, undefined)));
}
