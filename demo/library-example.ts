import { runContainer } from "ebb/client";

// Any runtime-v2 shim: a path, a program in PATH, or a runtime's name as containerd has it.
const runtime = process.argv[2] ?? "io.containerd.ebb.v2";
const rootfs = process.argv[3] ?? "/srv/rootfs";

const { exitStatus } = await runContainer({
  runtime,
  namespace: "example",
  id: `example-${process.pid}`,
  stateDir: "/run/ebb-example",
  rootfs: { kind: "overlay", lower: rootfs },
  spec: { args: ["sh", "-c", "echo hello; exit 3"] },
  stdio: { stdout: (data) => void process.stdout.write(data) },
  onStep: (step) => {
    if (step.state === "ended") console.log(`${step.name}: ${step.durationMs.toFixed(1)} ms`);
  },
});
console.log(`exit status ${exitStatus}`);
