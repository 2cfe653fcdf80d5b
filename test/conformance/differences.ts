import path from "node:path";
import { shimVersion } from "../../src/client/index.ts";

/** Where a shim is known to do something else than the cases hold it to. */
export interface Difference {
  /** The full names of the cases. */
  readonly cases: readonly string[];
  /** What the shim does. */
  readonly differs: string;
  /** Why the cases hold to the other behaviour. */
  readonly because: string;
  /** It does so by a race that it may also win. */
  readonly sometimes?: boolean;
}

/** A shim, told by the name of its program and by what `-v` prints, and its differences. */
interface KnownShim {
  readonly program: string;
  readonly version: RegExp;
  readonly differences: readonly Difference[];
}

const RUNC_SHIM_1_6: readonly Difference[] = [
  {
    cases: ["init: Delete of a container that is created comes to exit 137"],
    differs: "tells exit status 0 of an init that it has killed",
    because: "0 is the status of success, and the container was killed before it did anything",
    sometimes: true,
  },
  {
    cases: ["init: Update of a container that is stopped comes to not found"],
    differs: "passes on what the OCI runtime says, as an unknown error",
    because: "the CRI plugin takes only `not found` for a container that has ended by itself meanwhile",
  },
  {
    cases: [
      "exec: CloseIO of a process that is not added comes to not found",
      "exec: CloseIO of a process that is deleted comes to not found",
    ],
    differs: "loses the code of the error, which comes as unknown",
    because: "every other call for such a process comes to `not found`",
  },
  {
    cases: [
      "create: a stdout that leads nowhere is refused, and leaves nothing",
      "create: the same id is created in the same shim after a stdout that leads nowhere",
      "stdio: stdout without stderr is served, or refused at once",
    ],
    differs: "leaves the container in the OCI runtime, with its init waiting for ever",
    because: "nobody knows of that container, so nobody can ever delete it, and its id cannot be used again",
  },
  {
    cases: [
      "exec: a process that is missing is refused, and does the container no harm",
      "requests: Update without resources comes to refused or ok, and the container runs on",
    ],
    differs: "crashes, and all its containers are without a shim",
    because: "a wrong request may cost no more than an error",
  },
  {
    cases: ["exec: an id that leads out of its directory is refused, and does the container no harm"],
    differs: "writes the process's pid file outside of the bundle",
    because: "the id is part of a path, and root writes there",
  },
  {
    cases: [
      "events: a process that outlives its init in the host's pid namespace is told of in order, and once",
    ],
    differs: "tells of the init's exit before those of the processes it kills then",
    because: "the daemon takes the init's exit for the end; later versions of this shim tell it last, too",
  },
  {
    cases: ["events: no OOM is told of where there was none"],
    differs: "takes the end of a cgroup of version 1 for an OOM, when it comes at the wrong moment",
    because: "the kubelet shows a container as OOM killed then",
    sometimes: true,
  },
  {
    cases: ["options: options in runtimeoptions.v1 are those of the runtime"],
    differs: "does not know runtimeoptions.v1",
    because: "that is the type in which the CRI plugin passes on the options of a runtime it does not know",
  },
  {
    cases: [
      "deaths: after the death of a shim that has no container, delete leaves nothing",
      "deaths: delete where nothing ever was has nothing to say, and is no error",
      "deaths: delete works in a bundle that has lost its files",
    ],
    differs: "fails without the file `runtime` in the bundle, and leaves a container that is there",
    because: "the daemon calls delete after a failed start as well, and has no other way to clean up",
  },
  {
    cases: ["launch: a log that nobody reads is no obstacle"],
    differs: "waits for a reader of its log for ever, where there was one only for a moment",
    because: "a daemon that was stopped would find a shim that answers nothing",
    sometimes: true,
  },
];

const KNOWN: readonly KnownShim[] = [
  { program: "containerd-shim-runc-v2", version: /Version:\s+v?1\.6\./, differences: RUNC_SHIM_1_6 },
];

/** Where a shim is known to differ, by the names of the cases. */
export async function differencesOf(binary: string): Promise<ReadonlyMap<string, Difference>> {
  const version = await shimVersion(binary).catch(() => "");
  const known = KNOWN.filter((shim) => path.basename(binary) === shim.program && shim.version.test(version));
  return new Map(
    known.flatMap(({ differences }) => differences.flatMap((one) => one.cases.map((name) => [name, one]))),
  );
}
