import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatusCode, StatusError } from "../../../src/base/status.ts";
import { NewContainer } from "../../../src/client/cli/new-container.ts";
import type { SupervisorLink } from "../../../src/client/cli/supervisor-link.ts";
import type { SupervisorClient } from "../../../src/client/daemon/connect-supervisor.ts";
import type { ContainerConfig } from "../../../src/client/daemon/container-config.ts";

const LOST = new StatusError(StatusCode.unavailable, "connection closed by the peer");

/** Starts a container by supervisors of which the first is killed while it does so; what the next one was asked. */
async function startByTwo(find: () => Promise<unknown>): Promise<string[]> {
  const asked: string[] = [];
  const calls = {
    wait: () => new Promise(() => {}),
    find: () => {
      asked.push("find");
      return find();
    },
    start: async () => {
      asked.push("start");
      if (asked.length === 1) throw LOST;
      return {};
    },
  } as unknown as SupervisorClient;
  const link = {
    calls,
    persist: async (work: (calls: SupervisorClient) => Promise<unknown>) =>
      work(calls).catch((err: unknown) => {
        if (err !== LOST) throw err;
        return work(calls);
      }),
  } as unknown as SupervisorLink;
  await new NewContainer(link, { id: "c1" } as ContainerConfig).start();
  return asked;
}

const inPhase = (phase: string) => async () => ({ status: { phase } });

describe("a container whose supervisor is killed while it is to start it", () => {
  for (const phase of ["running", "stopped"]) {
    test(`is not started again where it is ${phase}`, async () => {
      assert.deepEqual(await startByTwo(inPhase(phase)), ["start", "find"]);
    });
  }

  test("is started by the next one where it was not yet", async () => {
    assert.deepEqual(await startByTwo(inPhase("created")), ["start", "find", "start"]);
  });

  test("is not started again where it has ended and was removed", async () => {
    const gone = () => Promise.reject(new StatusError(StatusCode.notFound, "container c1 is not there"));
    assert.deepEqual(await startByTwo(gone), ["start", "find"]);
  });

  test("is an error where nobody can say how it is", async () => {
    const refused = new StatusError(StatusCode.internal, "no");
    await assert.rejects(
      startByTwo(() => Promise.reject(refused)),
      refused,
    );
  });
});
