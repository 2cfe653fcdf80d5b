import type { Row } from "../result.ts";
import { criPods } from "./cri-pods.ts";
import { ctrRun } from "./ctr-run.ts";
import { launch } from "./launch.ts";
import { shortContainers } from "./short-containers.ts";
import { slowDelete } from "./slow-delete.ts";

/** Every row, in the order of the page. */
export const ROWS: readonly Row[] = [launch, ctrRun, shortContainers, slowDelete, criPods];
