// Generated from proto/ by scripts/generate-proto.mjs; edit those, not this.
import { containerd, google } from "./messages.js";

/** The methods of containerd.services.events.ttrpc.v1.Events. */
export const events = {
  name: "containerd.services.events.ttrpc.v1.Events",
  methods: {
    forward: { name: "Forward", kind: "unary", input: containerd.services.events.ttrpc.v1.ForwardRequest, output: google.protobuf.Empty },
  },
} as const;

/** The methods of containerd.task.v2.Task. */
export const taskV2 = {
  name: "containerd.task.v2.Task",
  methods: {
    state: { name: "State", kind: "unary", input: containerd.task.v2.StateRequest, output: containerd.task.v2.StateResponse },
    create: { name: "Create", kind: "unary", input: containerd.task.v2.CreateTaskRequest, output: containerd.task.v2.CreateTaskResponse },
    start: { name: "Start", kind: "unary", input: containerd.task.v2.StartRequest, output: containerd.task.v2.StartResponse },
    delete: { name: "Delete", kind: "unary", input: containerd.task.v2.DeleteRequest, output: containerd.task.v2.DeleteResponse },
    pids: { name: "Pids", kind: "unary", input: containerd.task.v2.PidsRequest, output: containerd.task.v2.PidsResponse },
    pause: { name: "Pause", kind: "unary", input: containerd.task.v2.PauseRequest, output: google.protobuf.Empty },
    resume: { name: "Resume", kind: "unary", input: containerd.task.v2.ResumeRequest, output: google.protobuf.Empty },
    checkpoint: { name: "Checkpoint", kind: "unary", input: containerd.task.v2.CheckpointTaskRequest, output: google.protobuf.Empty },
    kill: { name: "Kill", kind: "unary", input: containerd.task.v2.KillRequest, output: google.protobuf.Empty },
    exec: { name: "Exec", kind: "unary", input: containerd.task.v2.ExecProcessRequest, output: google.protobuf.Empty },
    resizePty: { name: "ResizePty", kind: "unary", input: containerd.task.v2.ResizePtyRequest, output: google.protobuf.Empty },
    closeIO: { name: "CloseIO", kind: "unary", input: containerd.task.v2.CloseIORequest, output: google.protobuf.Empty },
    update: { name: "Update", kind: "unary", input: containerd.task.v2.UpdateTaskRequest, output: google.protobuf.Empty },
    wait: { name: "Wait", kind: "unary", input: containerd.task.v2.WaitRequest, output: containerd.task.v2.WaitResponse },
    stats: { name: "Stats", kind: "unary", input: containerd.task.v2.StatsRequest, output: containerd.task.v2.StatsResponse },
    connect: { name: "Connect", kind: "unary", input: containerd.task.v2.ConnectRequest, output: containerd.task.v2.ConnectResponse },
    shutdown: { name: "Shutdown", kind: "unary", input: containerd.task.v2.ShutdownRequest, output: google.protobuf.Empty },
  },
} as const;

/** The methods of containerd.task.v3.Task. */
export const taskV3 = {
  name: "containerd.task.v3.Task",
  methods: {
    state: { name: "State", kind: "unary", input: containerd.task.v2.StateRequest, output: containerd.task.v2.StateResponse },
    create: { name: "Create", kind: "unary", input: containerd.task.v2.CreateTaskRequest, output: containerd.task.v2.CreateTaskResponse },
    start: { name: "Start", kind: "unary", input: containerd.task.v2.StartRequest, output: containerd.task.v2.StartResponse },
    delete: { name: "Delete", kind: "unary", input: containerd.task.v2.DeleteRequest, output: containerd.task.v2.DeleteResponse },
    pids: { name: "Pids", kind: "unary", input: containerd.task.v2.PidsRequest, output: containerd.task.v2.PidsResponse },
    pause: { name: "Pause", kind: "unary", input: containerd.task.v2.PauseRequest, output: google.protobuf.Empty },
    resume: { name: "Resume", kind: "unary", input: containerd.task.v2.ResumeRequest, output: google.protobuf.Empty },
    checkpoint: { name: "Checkpoint", kind: "unary", input: containerd.task.v2.CheckpointTaskRequest, output: google.protobuf.Empty },
    kill: { name: "Kill", kind: "unary", input: containerd.task.v2.KillRequest, output: google.protobuf.Empty },
    exec: { name: "Exec", kind: "unary", input: containerd.task.v2.ExecProcessRequest, output: google.protobuf.Empty },
    resizePty: { name: "ResizePty", kind: "unary", input: containerd.task.v2.ResizePtyRequest, output: google.protobuf.Empty },
    closeIO: { name: "CloseIO", kind: "unary", input: containerd.task.v2.CloseIORequest, output: google.protobuf.Empty },
    update: { name: "Update", kind: "unary", input: containerd.task.v2.UpdateTaskRequest, output: google.protobuf.Empty },
    wait: { name: "Wait", kind: "unary", input: containerd.task.v2.WaitRequest, output: containerd.task.v2.WaitResponse },
    stats: { name: "Stats", kind: "unary", input: containerd.task.v2.StatsRequest, output: containerd.task.v2.StatsResponse },
    connect: { name: "Connect", kind: "unary", input: containerd.task.v2.ConnectRequest, output: containerd.task.v2.ConnectResponse },
    shutdown: { name: "Shutdown", kind: "unary", input: containerd.task.v2.ShutdownRequest, output: google.protobuf.Empty },
  },
} as const;
