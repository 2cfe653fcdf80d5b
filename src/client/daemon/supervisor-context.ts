import type PQueue from "p-queue";
import type { ContainerLayers } from "./container-layers.ts";
import type { ContainerRecords } from "./container-records.ts";
import type { ExitHandler } from "./exit-handler.ts";
import type { LayerRemover } from "./layer-remover.ts";
import type { StatusStore } from "./status-store.ts";
import type { SupervisorLimits } from "./supervisor-limits.ts";

/** What all containers of a supervisor share. */
export interface SupervisorContext {
  readonly stateDir: string;
  readonly namespace: string;
  readonly limits: SupervisorLimits;
  /** Where shims send their events. */
  readonly eventsAddress: string;
  readonly records: ContainerRecords;
  readonly store: StatusStore;
  readonly exits: ExitHandler;
  readonly layers: LayerRemover;
  /** Lets only so many things go on at once on the disk of the images: each may hold a thread for as long as that hangs. */
  readonly disk: PQueue;
  readonly places: ContainerLayers;
  readonly onLog: (id: string, line: string) => void;
  /** Aborts when the supervisor closes. */
  readonly closing: AbortSignal;
}
