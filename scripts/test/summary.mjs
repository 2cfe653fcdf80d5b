/** What a run of the tests says in the end. */
import { bunPath, runQuietly } from "../steps.mjs";

const SLOWEST = 10;

/** Prints what failed, was skipped or only passed a second time, the slowest files and the totals; returns the exit status. */
export function sumUp(results) {
  const say = (line) => process.stdout.write(`${line}\n`);
  const bySlowness = [...results].sort((a, b) => b.ms - a.ms).slice(0, SLOWEST);
  for (const { ms, file, runtime } of bySlowness) {
    say(`${(ms / 1000).toFixed(1).padStart(6)} s  ${file} under ${runtime}`);
  }
  for (const kind of ["flaky", "failed", "skipped"]) {
    for (const { runtime, file, [kind]: names = [] } of results) {
      for (const name of names) say(`${kind} under ${runtime}: ${file}: ${name}`);
    }
  }
  const [passed, failed, skipped] = [
    total(results, ({ passed }) => passed),
    total(results, ({ failed }) => failed.length),
    total(results, ({ skipped }) => skipped.length),
  ];
  if (skipped > 0) for (const reason of reasonsOfSkips()) say(`this machine cannot run them all: ${reason}`);
  const noSkips = process.env.CI === "true";
  if (skipped > 0 && noSkips) say("a skipped test is a failure where CI=true");
  say(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  return failed > 0 || (skipped > 0 && noSkips) ? 1 : 0;
}

function total(results, count) {
  return results.reduce((sum, result) => sum + count(result), 0);
}

/** Why tests were skipped: the runner does not keep the reasons that they give, so the machine is asked again. */
function reasonsOfSkips() {
  const script = 'import { whyNot } from "./lab/why-not.ts"; console.log(whyNot().join("\\n"));';
  return runQuietly(bunPath(), ["-e", script])
    .split("\n")
    .filter((line) => line !== "");
}
