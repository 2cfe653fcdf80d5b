import Table from "cli-table3";
import { StatusError } from "../../base/status.ts";
import { shimInfo, shimVersion } from "../launch.ts";
import { resolveShimBinary } from "../shim-binary.ts";
import { type AddCommand, defaultRuntime, naming, RUNTIME_FLAG } from "./command.ts";

/** Puts `ebb info` into the program. */
export const addInfo: AddCommand = (program, done) => {
  program
    .command("info")
    .summary("show what a shim says about itself")
    .option(...RUNTIME_FLAG, defaultRuntime())
    .addHelpText("after", "\nExample:\n  ebb info --runtime io.containerd.runc.v2")
    .action(async ({ runtime }: { runtime: string }) => {
      process.stdout.write(`${await describeShim(naming("--runtime", () => resolveShimBinary(runtime)))}\n`);
      done(0);
    });
};

/** What a shim says about itself, as a table for people. A question that it does not know has its error there. */
async function describeShim(binary: string): Promise<string> {
  const table = new Table({ style: { head: [], border: [] }, wordWrap: true, colWidths: [12, 90] });
  table.push(["shim", binary]);
  table.push(["version", await answer(() => shimVersion(binary))]);
  table.push(["info", await answer(() => describeInfo(binary))]);
  return table.toString();
}

async function describeInfo(binary: string): Promise<string> {
  const { name, version, annotations } = await shimInfo(binary);
  const lines = [`name ${name}`, `version ${version?.version ?? ""}`, `revision ${version?.revision ?? ""}`];
  for (const [key, value] of Object.entries(annotations)) lines.push(`${key}=${value}`);
  return lines.join("\n");
}

async function answer(ask: () => Promise<string>): Promise<string> {
  try {
    return await ask();
  } catch (error) {
    return `no answer: ${StatusError.from(error).message.split("\n")[0]}`;
  }
}
