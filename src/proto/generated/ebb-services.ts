// Generated from proto/ by scripts/generate-proto.mjs; edit those, not this.
import { ebb } from "./ebb-messages.js";

/** The methods of ebb.client.v1.Supervisor. */
export const supervisor = {
  name: "ebb.client.v1.Supervisor",
  methods: {
    hello: { name: "Hello", kind: "unary", get input() { return ebb.client.v1.HelloRequest; }, get output() { return ebb.client.v1.HelloResponse; } },
    list: { name: "List", kind: "serverStream", get input() { return ebb.client.v1.ListRequest; }, get output() { return ebb.client.v1.Container; } },
    find: { name: "Find", kind: "unary", get input() { return ebb.client.v1.FindRequest; }, get output() { return ebb.client.v1.Container; } },
    create: { name: "Create", kind: "unary", get input() { return ebb.client.v1.CreateRequest; }, get output() { return ebb.client.v1.Container; } },
    start: { name: "Start", kind: "unary", get input() { return ebb.client.v1.StartRequest; }, get output() { return ebb.client.v1.StartResponse; } },
    wait: { name: "Wait", kind: "unary", get input() { return ebb.client.v1.WaitRequest; }, get output() { return ebb.client.v1.Ending; } },
    exec: { name: "Exec", kind: "unary", get input() { return ebb.client.v1.ExecRequest; }, get output() { return ebb.client.v1.StartResponse; } },
    kill: { name: "Kill", kind: "unary", get input() { return ebb.client.v1.KillRequest; }, get output() { return ebb.client.v1.Done; } },
    stop: { name: "Stop", kind: "unary", get input() { return ebb.client.v1.StopRequest; }, get output() { return ebb.client.v1.Ending; } },
    pause: { name: "Pause", kind: "unary", get input() { return ebb.client.v1.ContainerRequest; }, get output() { return ebb.client.v1.Done; } },
    resume: { name: "Resume", kind: "unary", get input() { return ebb.client.v1.ContainerRequest; }, get output() { return ebb.client.v1.Done; } },
    resizePty: { name: "ResizePty", kind: "unary", get input() { return ebb.client.v1.ResizePtyRequest; }, get output() { return ebb.client.v1.Done; } },
    closeStdin: { name: "CloseStdin", kind: "unary", get input() { return ebb.client.v1.CloseStdinRequest; }, get output() { return ebb.client.v1.Done; } },
    remove: { name: "Remove", kind: "unary", get input() { return ebb.client.v1.RemoveRequest; }, get output() { return ebb.client.v1.Done; } },
    stats: { name: "Stats", kind: "unary", get input() { return ebb.client.v1.ContainerRequest; }, get output() { return ebb.client.v1.StatsResponse; } },
    events: { name: "Events", kind: "serverStream", get input() { return ebb.client.v1.EventsRequest; }, get output() { return ebb.client.v1.Event; } },
    shimLog: { name: "ShimLog", kind: "serverStream", get input() { return ebb.client.v1.ContainerRequest; }, get output() { return ebb.client.v1.LogLine; } },
  },
} as const;
