// Generated from proto/ by scripts/generate-proto.mjs; edit those, not this.
import { ebb } from "./ebb-messages.js";

/** The methods of ebb.client.v1.Supervisor. */
export const supervisor = {
  name: "ebb.client.v1.Supervisor",
  methods: {
    hello: { name: "Hello", kind: "unary", input: ebb.client.v1.HelloRequest, output: ebb.client.v1.HelloResponse },
    list: { name: "List", kind: "serverStream", input: ebb.client.v1.ListRequest, output: ebb.client.v1.Container },
    find: { name: "Find", kind: "unary", input: ebb.client.v1.FindRequest, output: ebb.client.v1.Container },
    create: { name: "Create", kind: "unary", input: ebb.client.v1.CreateRequest, output: ebb.client.v1.Container },
    start: { name: "Start", kind: "unary", input: ebb.client.v1.StartRequest, output: ebb.client.v1.StartResponse },
    wait: { name: "Wait", kind: "unary", input: ebb.client.v1.WaitRequest, output: ebb.client.v1.Ending },
    exec: { name: "Exec", kind: "unary", input: ebb.client.v1.ExecRequest, output: ebb.client.v1.StartResponse },
    kill: { name: "Kill", kind: "unary", input: ebb.client.v1.KillRequest, output: ebb.client.v1.Done },
    stop: { name: "Stop", kind: "unary", input: ebb.client.v1.StopRequest, output: ebb.client.v1.Ending },
    pause: { name: "Pause", kind: "unary", input: ebb.client.v1.ContainerRequest, output: ebb.client.v1.Done },
    resume: { name: "Resume", kind: "unary", input: ebb.client.v1.ContainerRequest, output: ebb.client.v1.Done },
    resizePty: { name: "ResizePty", kind: "unary", input: ebb.client.v1.ResizePtyRequest, output: ebb.client.v1.Done },
    closeStdin: { name: "CloseStdin", kind: "unary", input: ebb.client.v1.CloseStdinRequest, output: ebb.client.v1.Done },
    remove: { name: "Remove", kind: "unary", input: ebb.client.v1.RemoveRequest, output: ebb.client.v1.Done },
    stats: { name: "Stats", kind: "unary", input: ebb.client.v1.ContainerRequest, output: ebb.client.v1.StatsResponse },
    events: { name: "Events", kind: "serverStream", input: ebb.client.v1.EventsRequest, output: ebb.client.v1.Event },
    shimLog: { name: "ShimLog", kind: "serverStream", input: ebb.client.v1.ContainerRequest, output: ebb.client.v1.LogLine },
  },
} as const;
