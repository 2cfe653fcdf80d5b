import { errnoError } from "../../src/linux/errno.ts";
import type { IdmapCalls } from "../../src/linux/idmap-calls.ts";
import type { FsconfigCall, Libc, MountCall, OpenFilesLimit, WaitResult } from "../../src/linux/libc.ts";
import type { LoopCalls, LoopConfig } from "../../src/linux/loop-calls.ts";
import { FakeStreamCalls } from "./fake-stream-calls.ts";

/** Writes down the calls it gets, and fails or waits where a test says so. Nothing reaches the kernel. */
export class FakeLibc implements Libc {
  readonly calls: string[] = [];
  readonly loops = new FakeLoops(this.calls);
  readonly idmaps = new FakeIdmaps();
  readonly mounts: MountCall[] = [];
  readonly streams = new FakeStreamCalls(this.calls);
  openFiles: OpenFilesLimit = { soft: 1024, hard: 4096 };
  /** What a mount does instead of nothing: throw, or take its time. */
  onMount: (call: MountCall) => Promise<void> = async () => {};

  async mount(call: MountCall): Promise<void> {
    this.calls.push(`mount ${call.type} ${call.target}`);
    this.mounts.push(call);
    await this.onMount(call);
  }

  /** A kernel from before Linux 5.2. */
  async fsopen(type: string): Promise<number> {
    this.calls.push(`fsopen ${type}`);
    throw errnoError(`open a context for ${type}`, 38);
  }

  async fsconfig(fd: number, { key, value }: FsconfigCall): Promise<void> {
    this.calls.push(`fsconfig ${fd} ${key} ${value}`);
  }

  async fsmount(fd: number): Promise<number> {
    throw errnoError(`mount ${fd}`, 38);
  }

  async moveMount(fd: number, target: string): Promise<void> {
    this.calls.push(`move_mount ${fd} ${target}`);
  }

  umount(target: string, flags: number): void {
    this.calls.push(`umount ${target} ${flags}`);
  }

  /** For all that is known here. */
  hasChanged(): boolean {
    return true;
  }

  syncfs(fd: number): void {
    this.calls.push(`syncfs ${fd}`);
  }

  leaveSession(): void {
    this.calls.push("session");
  }

  setChildSubreaper(): void {
    this.calls.push("subreaper");
  }

  createCoreGroup(): void {
    this.calls.push("core group");
  }

  openFilesLimit(): OpenFilesLimit {
    return this.openFiles;
  }

  setOpenFilesLimit(limit: OpenFilesLimit): void {
    this.openFiles = limit;
  }

  waitpid(pid: number): WaitResult | undefined {
    this.calls.push(`waitpid ${pid}`);
    return undefined;
  }

  eventfd(): number {
    throw errnoError("make an eventfd", 24);
  }

  kill(pid: number, signal: number): void {
    this.calls.push(`signal ${signal} to pid ${pid}`);
  }

  /** A kernel from before Linux 5.3. */
  pidfdOpen(pid: number): number {
    throw errnoError(`open a pidfd of pid ${pid}`, 38);
  }

  pidfdSendSignal(pidfd: number, signal: number): void {
    this.calls.push(`signal ${signal} to ${pidfd}`);
  }
}

/** Loop devices that somebody else takes as often as a test says. */
class FakeLoops implements LoopCalls {
  taken = 0;
  readonly #calls: string[];

  constructor(calls: string[]) {
    this.#calls = calls;
  }

  async getFree(): Promise<number> {
    this.#calls.push("get a free loop device");
    return 0;
  }

  async configure(_device: number, { name, flags }: LoopConfig): Promise<void> {
    this.#calls.push(`attach ${name} ${flags}`);
    if (this.taken > 0) {
      this.taken -= 1;
      throw errnoError(`attach ${name}`, 16);
    }
  }
}

/** A kernel that has none of it. */
class FakeIdmaps implements IdmapCalls {
  async cloneTree(path: string): Promise<number> {
    throw errnoError(`copy the mount ${path}`, 38);
  }

  async mapIds(): Promise<void> {
    throw errnoError("map the ids of a mount", 38);
  }

  async startInUserNamespace(): Promise<number> {
    throw errnoError("make a user namespace", 28);
  }
}
