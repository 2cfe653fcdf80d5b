import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

/** The folders of src by height: a file may import from below, and from its own folder. */
const LAYERS: Readonly<Record<string, number>> = {
  base: 0,
  linux: 1,
  proto: 1,
  ttrpc: 2,
  rootfs: 2,
  oci: 2,
  config: 2,
  images: 2,
  shim: 3,
  client: 3,
};

/** What only one file, or only some layers, may import: the package, then the files or folders. */
const ONLY_FROM: readonly [RegExp, RegExp][] = [
  [/^(koffi|@koromix\/)/, /^linux\/native-module\.ts$/],
  [/^@cfworker\//, /^base\/json\.ts$/],
  [/^pino$/, /^shim\/log\.ts$/],
  [/^protobufjs/, /^proto\//],
  [/^(commander|cli-table3|cli-progress)$/, /^client\/cli\//],
  [/^bun$/, /^$/],
];

const src = path.join(path.dirname(fileURLToPath(import.meta.url)), "../src");

interface Import {
  readonly from: string;
  readonly to: string;
}

const files = fs
  .readdirSync(src, { recursive: true })
  .map(String)
  .filter((name) => /\.[jt]s$/.test(name) && !name.endsWith(".d.ts") && !name.startsWith("proto/generated"));

function importsOf(file: string): Import[] {
  const text = fs.readFileSync(path.join(src, file), "utf8");
  const specifier = /(?:\bfrom\s+|\bimport\s*\(?\s*|\brequire\s*\(\s*)["']([^"'\n]+)["']/g;
  return [...text.matchAll(specifier)].map(([, to = ""]) => ({ from: file, to }));
}

const imports = files.flatMap(importsOf);
const local = imports
  .filter(({ to }) => to.startsWith("."))
  .map(({ from, to }) => ({ from, to: path.normalize(path.join(path.dirname(from), to)) }));
const layerOf = (file: string) => file.split("/")[0] ?? "";

describe("the layers of src", () => {
  test("are the folders that are there", () => {
    assert.deepEqual([...new Set(files.map(layerOf))].sort(), Object.keys(LAYERS).sort());
  });

  test("import downward only, and no sibling", () => {
    const wrong = local.filter(({ from, to }) => {
      const [upper, lower] = [layerOf(from), layerOf(to)];
      return upper !== lower && !((LAYERS[upper] ?? -1) > (LAYERS[lower] ?? 99));
    });
    assert.deepEqual(wrong, []);
  });

  test("import nothing outside src but packages", () => {
    assert.deepEqual(
      local.filter(({ to }) => to.startsWith("..")),
      [],
    );
  });

  test("have no cycle of files", () => {
    const edges = new Map<string, string[]>();
    for (const { from, to } of local) edges.set(from, [...(edges.get(from) ?? []), to]);
    assert.deepEqual(findCycle(edges), []);
  });

  for (const [name, allowed] of ONLY_FROM) {
    test(`import ${name.source} only from ${allowed.source}`, () => {
      const wrong = imports.filter(({ from, to }) => name.test(to) && !allowed.test(from));
      assert.deepEqual(wrong, []);
    });
  }

  test("are seen by this test at all", () => {
    assert.ok(local.length > 20, `only ${local.length} imports found`);
    assert.deepEqual(
      findCycle(
        new Map([
          ["a", ["b"]],
          ["b", ["c"]],
          ["c", ["b"]],
        ]),
      ),
      ["b", "c", "b"],
    );
  });
});

/** The first cycle found, as the way round it; empty where there is none. */
function findCycle(edges: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const walk = (file: string, way: readonly string[]): string[] => {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
    if (done.has(file)) return [];
    for (const next of edges.get(file) ?? []) {
      const cycle = walk(next, [...way, file]);
      if (cycle.length > 0) return cycle;
    }
    done.add(file);
    return [];
  };
  for (const file of edges.keys()) {
    const cycle = walk(file, []);
    if (cycle.length > 0) return cycle;
  }
  return [];
}
