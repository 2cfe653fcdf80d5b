// Generated from proto/ by scripts/generate-proto.mjs; edit those, not this.
import { containerd, google } from "./messages.js";

/** The methods of containerd.services.events.ttrpc.v1.Events. */
export const events = {
  name: "containerd.services.events.ttrpc.v1.Events",
  methods: {
    forward: { name: "Forward", kind: "unary", get input() { return containerd.services.events.ttrpc.v1.ForwardRequest; }, get output() { return google.protobuf.Empty; } },
  },
} as const;

/** The methods of containerd.task.v2.Task. */
export const taskV2 = {
  name: "containerd.task.v2.Task",
  methods: {
    state: { name: "State", kind: "unary", get input() { return containerd.task.v2.StateRequest; }, get output() { return containerd.task.v2.StateResponse; } },
    create: { name: "Create", kind: "unary", get input() { return containerd.task.v2.CreateTaskRequest; }, get output() { return containerd.task.v2.CreateTaskResponse; } },
    start: { name: "Start", kind: "unary", get input() { return containerd.task.v2.StartRequest; }, get output() { return containerd.task.v2.StartResponse; } },
    delete: { name: "Delete", kind: "unary", get input() { return containerd.task.v2.DeleteRequest; }, get output() { return containerd.task.v2.DeleteResponse; } },
    pids: { name: "Pids", kind: "unary", get input() { return containerd.task.v2.PidsRequest; }, get output() { return containerd.task.v2.PidsResponse; } },
    pause: { name: "Pause", kind: "unary", get input() { return containerd.task.v2.PauseRequest; }, get output() { return google.protobuf.Empty; } },
    resume: { name: "Resume", kind: "unary", get input() { return containerd.task.v2.ResumeRequest; }, get output() { return google.protobuf.Empty; } },
    checkpoint: { name: "Checkpoint", kind: "unary", get input() { return containerd.task.v2.CheckpointTaskRequest; }, get output() { return google.protobuf.Empty; } },
    kill: { name: "Kill", kind: "unary", get input() { return containerd.task.v2.KillRequest; }, get output() { return google.protobuf.Empty; } },
    exec: { name: "Exec", kind: "unary", get input() { return containerd.task.v2.ExecProcessRequest; }, get output() { return google.protobuf.Empty; } },
    resizePty: { name: "ResizePty", kind: "unary", get input() { return containerd.task.v2.ResizePtyRequest; }, get output() { return google.protobuf.Empty; } },
    closeIO: { name: "CloseIO", kind: "unary", get input() { return containerd.task.v2.CloseIORequest; }, get output() { return google.protobuf.Empty; } },
    update: { name: "Update", kind: "unary", get input() { return containerd.task.v2.UpdateTaskRequest; }, get output() { return google.protobuf.Empty; } },
    wait: { name: "Wait", kind: "unary", get input() { return containerd.task.v2.WaitRequest; }, get output() { return containerd.task.v2.WaitResponse; } },
    stats: { name: "Stats", kind: "unary", get input() { return containerd.task.v2.StatsRequest; }, get output() { return containerd.task.v2.StatsResponse; } },
    connect: { name: "Connect", kind: "unary", get input() { return containerd.task.v2.ConnectRequest; }, get output() { return containerd.task.v2.ConnectResponse; } },
    shutdown: { name: "Shutdown", kind: "unary", get input() { return containerd.task.v2.ShutdownRequest; }, get output() { return google.protobuf.Empty; } },
  },
} as const;

/** The methods of containerd.task.v3.Task. */
export const taskV3 = {
  name: "containerd.task.v3.Task",
  methods: {
    state: { name: "State", kind: "unary", get input() { return containerd.task.v2.StateRequest; }, get output() { return containerd.task.v2.StateResponse; } },
    create: { name: "Create", kind: "unary", get input() { return containerd.task.v2.CreateTaskRequest; }, get output() { return containerd.task.v2.CreateTaskResponse; } },
    start: { name: "Start", kind: "unary", get input() { return containerd.task.v2.StartRequest; }, get output() { return containerd.task.v2.StartResponse; } },
    delete: { name: "Delete", kind: "unary", get input() { return containerd.task.v2.DeleteRequest; }, get output() { return containerd.task.v2.DeleteResponse; } },
    pids: { name: "Pids", kind: "unary", get input() { return containerd.task.v2.PidsRequest; }, get output() { return containerd.task.v2.PidsResponse; } },
    pause: { name: "Pause", kind: "unary", get input() { return containerd.task.v2.PauseRequest; }, get output() { return google.protobuf.Empty; } },
    resume: { name: "Resume", kind: "unary", get input() { return containerd.task.v2.ResumeRequest; }, get output() { return google.protobuf.Empty; } },
    checkpoint: { name: "Checkpoint", kind: "unary", get input() { return containerd.task.v2.CheckpointTaskRequest; }, get output() { return google.protobuf.Empty; } },
    kill: { name: "Kill", kind: "unary", get input() { return containerd.task.v2.KillRequest; }, get output() { return google.protobuf.Empty; } },
    exec: { name: "Exec", kind: "unary", get input() { return containerd.task.v2.ExecProcessRequest; }, get output() { return google.protobuf.Empty; } },
    resizePty: { name: "ResizePty", kind: "unary", get input() { return containerd.task.v2.ResizePtyRequest; }, get output() { return google.protobuf.Empty; } },
    closeIO: { name: "CloseIO", kind: "unary", get input() { return containerd.task.v2.CloseIORequest; }, get output() { return google.protobuf.Empty; } },
    update: { name: "Update", kind: "unary", get input() { return containerd.task.v2.UpdateTaskRequest; }, get output() { return google.protobuf.Empty; } },
    wait: { name: "Wait", kind: "unary", get input() { return containerd.task.v2.WaitRequest; }, get output() { return containerd.task.v2.WaitResponse; } },
    stats: { name: "Stats", kind: "unary", get input() { return containerd.task.v2.StatsRequest; }, get output() { return containerd.task.v2.StatsResponse; } },
    connect: { name: "Connect", kind: "unary", get input() { return containerd.task.v2.ConnectRequest; }, get output() { return containerd.task.v2.ConnectResponse; } },
    shutdown: { name: "Shutdown", kind: "unary", get input() { return containerd.task.v2.ShutdownRequest; }, get output() { return google.protobuf.Empty; } },
  },
} as const;
