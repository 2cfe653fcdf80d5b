import fs from "node:fs";
import path from "node:path";
import type PQueue from "p-queue";
import { within } from "../base/deadline.ts";
import type { Logger } from "../base/logger.ts";
import type { ReleaseMode } from "../base/release-mode.ts";
import { StatusError } from "../base/status.ts";
import type { Libc } from "../linux/libc.ts";
import { syncFileSystem } from "../linux/sync-file-system.ts";
import { keysOf } from "../rootfs/backing.ts";
import type { MountSpec } from "../rootfs/mount-plan.ts";
import { mountRootfs } from "../rootfs/mount-rootfs.ts";
import { ageOf, PendingReleases } from "../rootfs/pending.ts";
import { detachRootfs, type Release } from "../rootfs/release.ts";
import type { ReleaseHost } from "../rootfs/release-request.ts";
import { withVolatile } from "../rootfs/volatile.ts";
import { explainVolatile } from "../rootfs/volatile-mount.ts";
import { WriteWatch } from "../rootfs/write-watch.ts";
import { writtenThrough } from "../rootfs/written-through.ts";
import { warnOfDevicesInUse, watchRelease } from "./release-log.ts";
import { selfCommand } from "./self.ts";
import type { Settings } from "./settings.ts";

/** Which rootfs, of which container. */
export interface RootfsOwner {
  readonly namespace: string;
  readonly id: string;
  readonly bundle: string;
  readonly mode: ReleaseMode;
}

/** What the rootfs of every container of a shim shares. */
export interface RootfsHost {
  readonly libc: Libc;
  readonly settings: Settings;
  readonly logger: Logger;
  /** How this program is called; as it was itself, where not given. */
  readonly self?: readonly [string, ...string[]];
  /** Lets only so many mounts go on at once (`mountsAtOnce`): each takes a thread, and Delete needs some, too. */
  readonly mounting: PQueue;
}

/**
 * The rootfs of one container, from its mount to the end of its release. Detaching and what may have to be waited
 * for after it are steps of their own: each may be called again after a failure, and goes on where it was.
 */
export class ContainerRootfs {
  readonly #host: RootfsHost;
  readonly #owner: RootfsOwner;
  readonly #logger: Logger;
  readonly #releases: { readonly release: Release; written?: Promise<void> }[] = [];
  /** In mode strict, from the mount on. */
  #writes: WriteWatch | undefined;

  constructor(host: RootfsHost, owner: RootfsOwner) {
    this.#host = host;
    this.#owner = owner;
    this.#logger = host.logger.child({ id: owner.id });
  }

  /** Where it is mounted. */
  get path(): string {
    return path.join(this.#owner.bundle, "rootfs");
  }

  /**
   * Mounts it, off the main thread, once nothing of what it is made of is still being released; `unavailable`
   * where that takes longer than the limit. Where it fails, or the signal aborts, nothing stays mounted.
   */
  async mount(mounts: readonly MountSpec[], signal?: AbortSignal): Promise<void> {
    fs.mkdirSync(this.path, { mode: 0o711, recursive: true });
    await this.#awaitOthers(mounts, signal);
    const { libc, settings } = this.#host;
    const { runDirectory, mountMs } = settings;
    const wanted = this.#owner.mode === "volatile" ? withVolatile(mounts) : mounts;
    const watch = this.#owner.mode === "strict" ? new WriteWatch(this.#self) : undefined;
    try {
      if (watch !== undefined)
        await within(watch.watchBelow(mounts), mountMs, `opening what ${this.path} is made of`, signal);
      await explainVolatile(libc, wanted, { runDirectory, mount: () => this.#mountAll(wanted, signal) });
    } catch (err) {
      void watch?.end().catch(() => {});
      throw err;
    }
    this.#writes = watch;
    // It is mounted, so that this is a directory that can be opened; where it cannot, its data is as safe as it is else.
    await watch?.watchMounted(mounts, this.path).catch((err) => {
      this.#logger.warn("errors of writing are not known before Delete", { err: StatusError.from(err) });
    });
  }

  /** What is mounted twice for writing is damaged: nothing is mounted while the last release of it goes on. */
  async #awaitOthers(mounts: readonly MountSpec[], signal: AbortSignal | undefined): Promise<void> {
    const { runDirectory, pendingMs, mountMs } = this.#host.settings;
    // A disk that hangs answers nobody: the thread that asks it stays, whoever waits does not.
    const keys = await within(keysOf(mounts), mountMs, `looking at what ${this.path} is made of`, signal);
    await new PendingReleases(runDirectory).waitUntilFree(keys, {
      limitMs: pendingMs,
      ...(signal && { signal }),
      onWait: (one) => {
        const { source, helper } = one;
        this.#logger.info("the mount waits for a release", { source, helper: helper.pid, ms: ageOf(one) });
      },
    });
  }

  async #mountAll(mounts: readonly MountSpec[], signal: AbortSignal | undefined): Promise<void> {
    const { mounting, settings } = this.#host;
    const release = { ...this.#owner, rootfs: this.path };
    const limits = { limitMs: settings.mountMs, queue: mounting, signal };
    await mountRootfs({ host: this.#releaseHost(), mounts, release, ...limits });
  }

  /**
   * Takes it out of the mount tree; resolves as soon as it has left, and nobody has waited for a disk. What has left
   * before something was refused is waited for like the rest ({@link settled}). In mode strict the disk of a block
   * device is waited for before: afterwards nobody could tell what has not been written.
   */
  async detach(): Promise<void> {
    const { releaseMs } = this.#host.settings;
    if (this.#writes !== undefined)
      await within(this.#writes.sync("own"), releaseMs, `the sync of ${this.path}`);
    const request = { ...this.#owner, rootfs: this.path };
    const { release, failure } = await detachRootfs(this.#releaseHost(), request);
    if (release.mounts.length > 0) {
      this.#releases.push({ release });
      watchRelease(release, this.#logger);
    }
    if (failure !== undefined) throw failure;
  }

  /**
   * Resolves when the daemon may be told that the rootfs is gone: at once, but for a block device (which is to be
   * free then), for what nobody knows, and for mode strict (all is to be written then). `deadlineExceeded` past the
   * limit; the next call goes on waiting.
   */
  async settled(): Promise<void> {
    const { releaseMs } = this.#host.settings;
    for (const one of this.#releases) {
      const { mounts, mustWait } = one.release;
      if (this.#owner.mode !== "strict" && mustWait === "") continue;
      const pids = mounts.map(({ helper }) => helper.pid).join(", ");
      const what = `the release of ${this.path} by pid ${pids} (${mustWait || "release mode strict"})`;
      one.written ??= this.#written(one.release).catch((err) => {
        // The next call tries again: a sync that failed is no reason for a container that nobody can delete.
        delete one.written;
        throw err;
      });
      await within(one.written, releaseMs, what);
    }
  }

  /** A copy in another mount namespace would end the helper early: strict does not rely on it. */
  async #written({ ended, mounts }: Release): Promise<void> {
    await ended;
    await warnOfDevicesInUse(mounts, this.#logger);
    if (this.#owner.mode !== "strict") return;
    if (this.#writes !== undefined) return await this.#writes.sync("others");
    // Another process has mounted it, which is dead.
    await Promise.all((await writtenThrough(mounts)).map((dir) => syncFileSystem(dir)));
  }

  get #self(): readonly [string, ...string[]] {
    return this.#host.self ?? selfCommand();
  }

  #releaseHost(): ReleaseHost {
    const { libc, settings } = this.#host;
    const { runDirectory, turnMs } = settings;
    return { libc, runDirectory, turnMs, logger: this.#logger, helpers: [[...this.#self, "hold"]] };
  }
}
