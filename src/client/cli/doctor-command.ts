import { canRun, type Diagnosis, diagnose, stops } from "../doctor/doctor.ts";
import type { Colour } from "./colour.ts";
import type { AddCommand } from "./command.ts";
import { ExitStatus } from "./exit-status.ts";
import { packageInfo } from "./package-info.ts";
import { print, printJson } from "./print.ts";
import { describeTable, type TableOptions, tableOptions } from "./table.ts";
import { printable } from "./words.ts";

const DOCTOR_HELP = `
Each line says what was found. ok: it can be used; warning: containers run, but something does not work as well
as it could; missing: it is not there; wrong: it is there, but of no use as it is. Below are what each is for and what to do about it. Nothing is changed.

The exit status is 0 where containers can be run, else 1.

Examples:
  ebb doctor
  ebb doctor --json | jq -r '.[] | select(.status != "ok") | "\\(.name): \\(.remedy)"'

Environment:
  EBB_CONFIG  the configuration (/etc/ebb/config.json)`;

/** Puts `ebb doctor` into the program. */
export const addDoctor: AddCommand = (program, done) => {
  program
    .command("doctor")
    .summary("show what of this host can be used, and how to get what is missing")
    .description("Looks at the kernel, the rights, the programs and the settings that containers need.")
    .option("--json", "print one JSON document: an array with an object for each check")
    .addHelpText("after", DOCTOR_HELP)
    .action(async ({ json = false }: { json?: boolean }) => done(await showDiagnoses(json)));
};

async function showDiagnoses(json: boolean): Promise<number> {
  const diagnoses = await diagnose({ builtShim: packageInfo().shim });
  const printed = await (json
    ? printJson(diagnoses)
    : print(describeDiagnoses(diagnoses, { ...tableOptions(), plain: true })));
  if (printed !== 0) return printed;
  return canRun(diagnoses) ? 0 : ExitStatus.usage;
}

/** A table of all that was found, and what to do about what is not well. */
export function describeDiagnoses(diagnoses: readonly Diagnosis[], options: TableOptions): string {
  const rows = diagnoses.map((diagnosis) => [
    diagnosis.name,
    { text: diagnosis.status, colour: colourOf(diagnosis) },
    diagnosis.found,
  ]);
  const table = describeTable(["CHECK", "STATUS", "FOUND"], rows, options);
  return [table, "", ...diagnoses.flatMap(adviceOn), verdict(diagnoses)].join("\n");
}

function colourOf(diagnosis: Diagnosis): Colour {
  if (diagnosis.status === "ok") return "green";
  return stops(diagnosis) ? "red" : "yellow";
}

function adviceOn({ name, meaning, remedy }: Diagnosis): string[] {
  return remedy === null ? [] : [`${name}: ${meaning}`, `  ${printable(remedy)}`];
}

function verdict(diagnoses: readonly Diagnosis[]): string {
  if (canRun(diagnoses)) return "containers can be run here";
  const names = diagnoses.filter(stops).map(({ name }) => name);
  return `containers cannot be run here: ${names.join(", ")}`;
}
