import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { StatusCode } from "../../../src/base/status.ts";
import { dockerConfigFile, dockerCredentials } from "../../../src/images/registry/credentials.ts";
import type { Credentials } from "../../../src/images/registry/settings.ts";
import { withTempDir } from "../../support/files.ts";
import { status } from "../../support/status.ts";

const encode = (text: string) => Buffer.from(text).toString("base64");

/** What a file of docker's says of a host. */
async function known(text: string, host: string): Promise<Credentials | undefined> {
  return await withTempDir((dir) => {
    const file = path.join(dir, "config.json");
    fs.writeFileSync(file, text);
    return dockerCredentials(file)(host);
  });
}

describe("docker's users of registries", () => {
  const host = "registry.test:5000";
  const user = { username: "ebb", password: "a: b" };
  const rows: readonly [string, object, Credentials | undefined][] = [
    ["as base64", { [host]: { auth: encode("ebb:a: b") } }, user],
    ["as base64 with a null at the end", { [host]: { auth: encode("ebb:a: b\0") } }, user],
    ["in plain words", { [host]: user }, user],
    ["under an address", { [`https://${host}/v1/`]: { auth: encode("ebb:a: b") } }, user],
    ["by an identity token", { [host]: { identitytoken: "t", auth: encode("x:y") } }, { identityToken: "t" }],
    ["of another host", { "registry.test": user }, undefined],
    ["with nothing to say", { [host]: {} }, undefined],
  ];
  for (const [how, auths, expected] of rows) {
    test(`are found ${how}`, async () => {
      assert.deepEqual(await known(JSON.stringify({ auths }), host), expected);
    });
  }

  test("are known to docker's own registry by its address of old", async () => {
    const auths = { "https://index.docker.io/v1/": { auth: encode("ebb:a: b") } };
    assert.deepEqual(await known(JSON.stringify({ auths }), "docker.io"), user);
  });

  test("are none where there is no file", async () => {
    await withTempDir((dir) => {
      assert.equal(dockerCredentials(path.join(dir, "config.json"))(host), undefined);
    });
  });

  test("make an error that names the file where it cannot be understood", async () => {
    const failed = (told: RegExp) => status(StatusCode.failedPrecondition, told);
    await assert.rejects(known("{", host), failed(/config\.json: the document is not JSON$/));
    await assert.rejects(known('{"auths":[]}', host), failed(/config\.json: \/auths must be an object$/));
    const bad = JSON.stringify({ auths: { [host]: { auth: encode("nobody") } } });
    await assert.rejects(
      known(bad, host),
      failed(/config\.json: the entry of registry\.test:5000 is not base64/),
    );
  });

  test("are in the directory that DOCKER_CONFIG names, or at home", () => {
    assert.equal(dockerConfigFile({ DOCKER_CONFIG: "/etc/docker" }, "/root"), "/etc/docker/config.json");
    assert.equal(dockerConfigFile({ DOCKER_CONFIG: "" }, "/root"), "/root/.docker/config.json");
  });
});
