import { taskV2 } from "ebb/proto";
import { connect, createClient } from "ebb/ttrpc";

// Where a shim listens: its container's bundle has it, in the file `address` or `bootstrap.json`.
const address = process.argv[2] ?? "unix:///run/containerd/s/0123abcd";

const connection = await connect(address);
try {
  const task = createClient(taskV2, connection);
  const { pid, status } = await task.state({ id: process.argv[3] ?? "demo" }, { timeoutMs: 2_000 });
  console.log(`pid ${pid}, status ${status}`);
} finally {
  connection.close();
}
