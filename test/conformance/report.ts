import Table from "cli-table3";
import type { CaseResult } from "./suite.ts";

const SIGNS: Readonly<Record<CaseResult["outcome"], string>> = {
  passed: "pass",
  failed: "FAIL",
  differs: "differs",
  "not claimed": "not claimed",
  "not promised": "not promised",
  skipped: "skipped",
};

/** The table of what came of all cases. */
export function resultTable(results: readonly CaseResult[]): string {
  const head = ["case", "result", "ms"];
  const table = new Table({ head, style: { head: [], border: [], compact: true } });
  for (const { name, promise, outcome, ms } of results) {
    table.push([
      promise ? `${name} (promise)` : name,
      SIGNS[outcome],
      outcome === "not claimed" ? "" : ms.toFixed(0),
    ]);
  }
  return table.toString();
}

/** What did not pass, with its reasons. */
export function failureText(results: readonly CaseResult[]): string {
  const failed = results.filter(({ outcome }) => outcome === "failed");
  return failed.map(({ name, message }) => `FAIL ${name}\n${indent(message ?? "")}\n`).join("");
}

/** The counts, in one line. */
export function summary(results: readonly CaseResult[]): string {
  const count = (outcome: CaseResult["outcome"]) =>
    results.filter((result) => result.outcome === outcome).length;
  const [passed, failed] = [count("passed"), count("failed")];
  const others = (["differs", "not claimed", "not promised", "skipped"] as const).map((outcome) => [
    outcome,
    count(outcome),
  ]);
  const named = others
    .filter(([, number]) => number !== 0)
    .map(([outcome, number]) => `, ${number} ${outcome}`);
  return `${passed} passed, ${failed} failed${named.join("")}`;
}

function indent(text: string): string {
  return text
    .split("\n")
    .map((line) => `    ${line}`)
    .join("\n");
}
