import type { Row } from "../result.ts";
import { busyNode } from "./busy-node.ts";
import { codec } from "./codec.ts";
import { criPods } from "./cri-pods.ts";
import { ctrRun } from "./ctr-run.ts";
import { exec } from "./exec.ts";
import { idleMemory } from "./idle-memory.ts";
import { launch } from "./launch.ts";
import { life } from "./life.ts";
import { many } from "./many.ts";
import { shortContainers } from "./short-containers.ts";
import { size } from "./size.ts";
import { slowDelete } from "./slow-delete.ts";
import { standby } from "./standby.ts";
import { stdout } from "./stdout.ts";
import { steadyMemory } from "./steady-memory.ts";
import { ttrpc } from "./ttrpc.ts";

/** What a node does under containerd. */
const UNDER_CONTAINERD: readonly Row[] = [slowDelete, criPods, ctrRun, shortContainers];

/** Every row, in the order of the page. */
export const ROWS: readonly Row[] = [
  ...UNDER_CONTAINERD,
  launch,
  life,
  standby,
  busyNode,
  exec,
  many,
  idleMemory,
  steadyMemory,
  stdout,
  size,
  ttrpc,
  codec,
];
