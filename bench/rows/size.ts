import { readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { must } from "../../lab/command.ts";
import { packagedModule } from "../../src/linux/native-module.ts";
import { compare, type Figure } from "../comparison.ts";
import type { BenchLab } from "../lab.ts";
import type { ResultTable, Row } from "../result.ts";
import { programOf } from "../shims.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const FIGURES: readonly Figure<"bytes">[] = [{ key: "bytes", title: "the executable", unit: "MB" }];

/** What is on the disk of a node. */
export const size: Row = {
  name: "size",
  async run(lab) {
    const { shims, reference } = lab;
    const samples = new Map(shims.map((shim) => [shim, [{ bytes: megabytes(programOf(shim.binary)) }]]));
    const whole = shims.find(({ ours }) => ours)?.binary;
    return {
      title: "Size",
      how: "The shims' executables, and what ours is made of: an empty program that the same Bun compiles with the same flags is Bun's runtime alone.",
      tables: [
        ...compare(FIGURES, samples, reference),
        ...(whole === undefined ? [] : [await partsOf(lab, megabytes(programOf(whole)))]),
      ],
    };
  },
};

async function partsOf(lab: BenchLab, whole: number): Promise<ResultTable> {
  const flags: string[] = JSON.parse(readFileSync(path.join(ROOT, "scripts/compile-flags.json"), "utf8"));
  const empty = path.join(lab.dir, "empty.ts");
  writeFileSync(empty, "");
  const runtime = await compiled(empty, flags);
  const code = await compiled(path.join(ROOT, "src/shim/main.ts"), ["--minify", "--target=bun"], lab.dir);
  const koffi = megabytes(packagedModule());
  const subject = (label: string, median: number) => ({ label, median: Number(median.toFixed(3)), n: 1 });
  return {
    title: "ours",
    unit: "MB",
    better: "less",
    subjects: [
      subject("Bun's runtime", runtime),
      subject("koffi's native module", koffi),
      subject("our code", code),
      subject("its bytecode", whole - runtime - koffi - code),
    ],
  };
}

/** How many megabytes Bun makes of a program. */
async function compiled(
  source: string,
  flags: readonly string[],
  dir = path.dirname(source),
): Promise<number> {
  const file = path.join(dir, `${path.basename(source, ".ts")}.out`);
  await must(process.execPath, ["build", source, ...flags, "--outfile", file], { cwd: ROOT });
  return megabytes(file);
}

function megabytes(file: string): number {
  return statSync(file).size / 1e6;
}
