import type { Row } from "../result.ts";
import { launch } from "./launch.ts";

/** Every row, in the order of the page. */
export const ROWS: readonly Row[] = [launch];
