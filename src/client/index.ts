/**
 * Launches and drives any containerd runtime-v2 shim as a containerd daemon does. `runContainer` is the whole
 * way; `Container` is the same in single steps; `launchShim` and what it returns are below both. `StatusStore` and
 * `ExitHandler` keep many containers for a daemon, and `Supervisor` is one. `listPending` is about this host: which of
 * its containers' root file systems are still being written out. `ensureImage` gets an image for a container, from its
 * registry where it is not here.
 */
export type { ReleaseMode } from "../base/release-mode.ts";
export { StatusCode, StatusError } from "../base/status.ts";
export type { MountHolder } from "../linux/mount-holders.ts";
export type { BackingKind } from "../rootfs/backing.ts";
export type { Activity } from "../rootfs/helper-activity.ts";
export { type Bundle, type BundleOptions, createBundle, removeBundle } from "./bundle.ts";
export { Container } from "./container.ts";
export type { ContainerExit, ContainerOptions } from "./container-options.ts";
export { type RunOptions, type RunResult, runContainer } from "./container-run.ts";
export type { ContainerConfig } from "./daemon/container-config.ts";
export { ExitHandler, type ExitLimits } from "./daemon/exit-handler.ts";
export type { BackOff } from "./daemon/retry-queue.ts";
export type { ContainerStatus, Ending, ExecStatus, Phase } from "./daemon/status.ts";
export { type Question, StatusStore } from "./daemon/status-store.ts";
export {
  type ContainerView,
  type ExecOptions,
  type KillOptions,
  type StdioPaths,
  type StopOptions,
  Supervisor,
  type SupervisorOptions,
} from "./daemon/supervisor.ts";
export type { SupervisorLimits } from "./daemon/supervisor-limits.ts";
export { EventReceiver } from "./event-receiver.ts";
export { type ImageSummary, listImages } from "./images/list-images.ts";
export { type LoadedName, type LoadImagesOptions, loadImages } from "./images/load-images.ts";
export { type RemovedImage, removeImage } from "./images/remove-image.ts";
export { sweepImages } from "./images/sweep-images.ts";
export {
  type EnsureImageOptions,
  ensureImage,
  type HeldImage,
  holdImage,
  type ImageConfig,
  type ImageEvent,
  type LayerPhase,
  type ReadyImage,
} from "./images.ts";
export {
  deleteShim,
  type LaunchOptions,
  launchShim,
  type ShimDeletion,
  shimInfo,
  shimVersion,
} from "./launch.ts";
export { type ListPendingOptions, listPending, type PendingRelease } from "./pending.ts";
export { type ReconnectOptions, reconnectShim } from "./reconnect.ts";
export type { RootfsSource } from "./rootfs.ts";
export { Shim } from "./shim.ts";
export { resolveShimBinary } from "./shim-binary.ts";
export type { ShimCommand, StartInput } from "./shim-command.ts";
export { defaultSpec, type OciSpec, type SpecMount, type SpecOptions } from "./spec.ts";
export { parseStartAnswer, type StartAnswer } from "./start-answer.ts";
export type { OutputSink, StdioOptions } from "./stdio.ts";
export type { Step, StepListener, StepName } from "./steps.ts";
export { createTaskClient, type TaskClient } from "./task-client.ts";
export type { KnownTaskEvent, TaskEvent, UnknownTaskEvent } from "./task-event.ts";
