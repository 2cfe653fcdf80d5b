import assert from "node:assert/strict";
import fs from "node:fs";
import { describe, test } from "node:test";
import { pageFile, schemaFile, settings, valueText, withTable } from "../../scripts/config-docs.ts";
import { defaultConfig } from "../../src/config/defaults.ts";
import { parseConfig } from "../../src/config/parse.ts";
import { configSchema } from "../../src/config/schema.ts";
import { VARIABLES } from "../../src/shim/settings.ts";

const page = fs.readFileSync(pageFile, "utf8");
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms"))].map(([, text = ""]) => text);

describe("the docs of the configuration (npm run config-docs)", () => {
  test("publish the very schema that is checked against", () => {
    assert.deepEqual(JSON.parse(fs.readFileSync(schemaFile, "utf8")), configSchema);
  });

  test("have the table that the schema makes", () => {
    assert.equal(withTable(page), page);
  });

  test("have a row for every setting there is, with its default, what it is and why", () => {
    const { runtime, images } = defaultConfig;
    const { limits, ...flat } = images;
    const places = [...Object.keys(VARIABLES), ...Object.keys(flat), ...Object.keys(limits)];
    assert.deepEqual(
      settings()
        .map(({ place }) => place.split(".").at(-1))
        .sort(),
      places.sort(),
    );
    for (const { place, value, what, why } of settings()) {
      const actual = { ...runtime, ...runtime.limits, ...images, ...limits }[place.split(".").at(-1) ?? ""];
      assert.equal(value, actual, place);
      assert.match(what, /^\S.*[^.]$/, place);
      assert.match(why, /^\S.*[^.]$/, place);
      assert.ok(page.includes(`| \`${place}\` | \`${valueText(value)}\` |`), `${place} is not in the table`);
    }
  });

  test("show a file that is right", () => {
    const [example = ""] = blocks("json");
    assert.equal(parseConfig(example, "f").runtime.release, "strict");
  });

  test("show what is really said of one with mistakes", () => {
    const runtime = { release: "lazy", limits: { mountMS: 1 } };
    const text = JSON.stringify({ version: 2, runtime });
    const [message = ""] = blocks("text");
    assert.throws(() => parseConfig(text, "/etc/ebb/config.json"), { message: message.trimEnd() });
  });
});
