import type { ConformanceCase } from "../case.ts";
import { createRefusedCases } from "./create-refused.ts";
import { deathCases } from "./deaths.ts";
import { endingCases } from "./endings.ts";
import { eventCases } from "./events.ts";
import { execRefusedCases } from "./exec-refused.ts";
import { execStateCases } from "./exec-states.ts";
import { figureCases } from "./figures.ts";
import { groupCases } from "./groups.ts";
import { initStateCases } from "./init-states.ts";
import { launchCases } from "./launch.ts";
import { limitCases } from "./limits.ts";
import { mountCases } from "./mounts.ts";
import { optionCases } from "./options.ts";
import { promiseCases } from "./promises.ts";
import { requestCases } from "./requests.ts";
import { restartCases } from "./restarts.ts";
import { stdioCases } from "./stdio.ts";
import { terminalCases } from "./terminal.ts";

/** Every case there is. */
export const allCases: readonly ConformanceCase[] = [
  ...initStateCases,
  ...execStateCases,
  ...createRefusedCases,
  ...execRefusedCases,
  ...requestCases,
  ...eventCases,
  ...endingCases,
  ...stdioCases,
  ...terminalCases,
  ...groupCases,
  ...optionCases,
  ...launchCases,
  ...deathCases,
  ...restartCases,
  ...limitCases,
  ...figureCases,
  ...mountCases,
  ...promiseCases,
];
