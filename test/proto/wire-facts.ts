/**
 * The field numbers of every message, written down a second time, by hand: a wrong one in proto/ fails the
 * tests that compare the generated code with these. A word of a line is `name=number` and a letter: s text, y
 * bytes, b bool, n number, d double, p packed numbers, m map of texts; `*` after it says repeated, `@` starts a message's name.
 */
export const WIRE_FACTS: Readonly<Record<string, string>> = {
  "google.protobuf.Any": "typeUrl=1s value=2y",
  "google.protobuf.Timestamp": "seconds=1n nanos=2n",
  "google.protobuf.Empty": "",
  "google.rpc.Status": "code=1n message=2s details=3*@google.protobuf.Any",
  "ttrpc.Request": "service=1s method=2s payload=3y timeoutNano=4n metadata=5*@ttrpc.KeyValue",
  "ttrpc.Response": "status=1@google.rpc.Status payload=2y",
  "ttrpc.KeyValue": "key=1s value=2s",
  "runtimeoptions.v1.Options": "typeUrl=1s configPath=2s configBody=3y",
  "containerd.types.Mount": "type=1s source=2s target=3s options=4*s",
  "containerd.types.Metric": "timestamp=1@google.protobuf.Timestamp id=2s data=3@google.protobuf.Any",
  "containerd.types.Descriptor": "mediaType=1s digest=2s size=3n annotations=5m",
  "containerd.types.Envelope":
    "timestamp=1@google.protobuf.Timestamp namespace=2s topic=3s event=4@google.protobuf.Any",
  "containerd.types.RuntimeRequest": "runtimePath=1s options=2@google.protobuf.Any",
  "containerd.types.RuntimeVersion": "version=1s revision=2s",
  "containerd.types.RuntimeInfo":
    "name=1s version=2@containerd.types.RuntimeVersion options=3@google.protobuf.Any features=4@google.protobuf.Any annotations=5m",
  "containerd.v1.types.Process":
    "containerId=1s id=2s pid=3n status=4n stdin=5s stdout=6s stderr=7s terminal=8b exitStatus=9n exitedAt=10@google.protobuf.Timestamp",
  "containerd.v1.types.ProcessInfo": "pid=1n info=2@google.protobuf.Any",
  "containerd.events.TaskCreate":
    "containerId=1s bundle=2s rootfs=3*@containerd.types.Mount io=4@containerd.events.TaskIO checkpoint=5s pid=6n",
  "containerd.events.TaskStart": "containerId=1s pid=2n",
  "containerd.events.TaskDelete":
    "containerId=1s pid=2n exitStatus=3n exitedAt=4@google.protobuf.Timestamp id=5s",
  "containerd.events.TaskIO": "stdin=1s stdout=2s stderr=3s terminal=4b",
  "containerd.events.TaskExit":
    "containerId=1s id=2s pid=3n exitStatus=4n exitedAt=5@google.protobuf.Timestamp",
  "containerd.events.TaskOOM": "containerId=1s",
  "containerd.events.TaskExecAdded": "containerId=1s execId=2s",
  "containerd.events.TaskExecStarted": "containerId=1s execId=2s pid=3n",
  "containerd.events.TaskPaused": "containerId=1s",
  "containerd.events.TaskResumed": "containerId=1s",
  "containerd.events.TaskCheckpointed": "containerId=1s checkpoint=2s",
  "containerd.services.events.ttrpc.v1.ForwardRequest": "envelope=1@containerd.types.Envelope",
  "containerd.runc.v1.Options":
    "noPivotRoot=1b noNewKeyring=2b shimCgroup=3s ioUid=4n ioGid=5n binaryName=6s root=7s systemdCgroup=9b criuImagePath=10s criuWorkPath=11s taskApiAddress=12s taskApiVersion=13n",
  "containerd.runc.v1.CheckpointOptions":
    "exit=1b openTcp=2b externalUnixSockets=3b terminal=4b fileLocks=5b emptyNamespaces=6*s cgroupsMode=7s imagePath=8s workPath=9s parentPath=10s",
  "containerd.runc.v1.ProcessDetails": "execId=1s",
  "containerd.runtime.bootstrap.v1.BootstrapParams":
    "instanceId=1s namespace=2s logLevel=3n containerdVersion=4s containerdTtrpcAddress=5s containerdGrpcAddress=6s containerdBinary=7s extensions=8*@containerd.runtime.bootstrap.v1.Extension socketDir=9s",
  "containerd.runtime.bootstrap.v1.Extension": "value=1@google.protobuf.Any",
  "containerd.runtime.bootstrap.v1.BootstrapResult":
    "version=1n address=2s protocol=3s capabilities=4p metadata=5m",
  "containerd.task.v2.CreateTaskRequest":
    "id=1s bundle=2s rootfs=3*@containerd.types.Mount terminal=4b stdin=5s stdout=6s stderr=7s checkpoint=8s parentCheckpoint=9s options=10@google.protobuf.Any",
  "containerd.task.v2.CreateTaskResponse": "pid=1n",
  "containerd.task.v2.DeleteRequest": "id=1s execId=2s",
  "containerd.task.v2.DeleteResponse": "pid=1n exitStatus=2n exitedAt=3@google.protobuf.Timestamp",
  "containerd.task.v2.ExecProcessRequest":
    "id=1s execId=2s terminal=3b stdin=4s stdout=5s stderr=6s spec=7@google.protobuf.Any",
  "containerd.task.v2.ResizePtyRequest": "id=1s execId=2s width=3n height=4n",
  "containerd.task.v2.StateRequest": "id=1s execId=2s",
  "containerd.task.v2.StateResponse":
    "id=1s bundle=2s pid=3n status=4n stdin=5s stdout=6s stderr=7s terminal=8b exitStatus=9n exitedAt=10@google.protobuf.Timestamp execId=11s",
  "containerd.task.v2.KillRequest": "id=1s execId=2s signal=3n all=4b",
  "containerd.task.v2.CloseIORequest": "id=1s execId=2s stdin=3b",
  "containerd.task.v2.PidsRequest": "id=1s",
  "containerd.task.v2.PidsResponse": "processes=1*@containerd.v1.types.ProcessInfo",
  "containerd.task.v2.CheckpointTaskRequest": "id=1s path=2s options=3@google.protobuf.Any",
  "containerd.task.v2.UpdateTaskRequest": "id=1s resources=2@google.protobuf.Any annotations=3m",
  "containerd.task.v2.StartRequest": "id=1s execId=2s",
  "containerd.task.v2.StartResponse": "pid=1n",
  "containerd.task.v2.WaitRequest": "id=1s execId=2s",
  "containerd.task.v2.WaitResponse": "exitStatus=1n exitedAt=2@google.protobuf.Timestamp",
  "containerd.task.v2.StatsRequest": "id=1s",
  "containerd.task.v2.StatsResponse": "stats=1@google.protobuf.Any",
  "containerd.task.v2.ConnectRequest": "id=1s",
  "containerd.task.v2.ConnectResponse": "shimPid=1n taskPid=2n version=3s",
  "containerd.task.v2.ShutdownRequest": "id=1s now=2b",
  "containerd.task.v2.PauseRequest": "id=1s",
  "containerd.task.v2.ResumeRequest": "id=1s",
  "io.containerd.cgroups.v1.Metrics":
    "hugetlb=1*@io.containerd.cgroups.v1.HugetlbStat pids=2@io.containerd.cgroups.v1.PidsStat cpu=3@io.containerd.cgroups.v1.CPUStat memory=4@io.containerd.cgroups.v1.MemoryStat blkio=5@io.containerd.cgroups.v1.BlkIOStat rdma=6@io.containerd.cgroups.v1.RdmaStat network=7*@io.containerd.cgroups.v1.NetworkStat cgroupStats=8@io.containerd.cgroups.v1.CgroupStats memoryOomControl=9@io.containerd.cgroups.v1.MemoryOomControl",
  "io.containerd.cgroups.v1.HugetlbStat": "usage=1n max=2n failcnt=3n pagesize=4s",
  "io.containerd.cgroups.v1.PidsStat": "current=1n limit=2n",
  "io.containerd.cgroups.v1.CPUStat":
    "usage=1@io.containerd.cgroups.v1.CPUUsage throttling=2@io.containerd.cgroups.v1.Throttle",
  "io.containerd.cgroups.v1.CPUUsage": "total=1n kernel=2n user=3n perCpu=4p",
  "io.containerd.cgroups.v1.Throttle": "periods=1n throttledPeriods=2n throttledTime=3n",
  "io.containerd.cgroups.v1.MemoryStat":
    "cache=1n rss=2n rssHuge=3n mappedFile=4n dirty=5n writeback=6n pgPgIn=7n pgPgOut=8n pgFault=9n pgMajFault=10n inactiveAnon=11n activeAnon=12n inactiveFile=13n activeFile=14n unevictable=15n hierarchicalMemoryLimit=16n hierarchicalSwapLimit=17n totalCache=18n totalRss=19n totalRssHuge=20n totalMappedFile=21n totalDirty=22n totalWriteback=23n totalPgPgIn=24n totalPgPgOut=25n totalPgFault=26n totalPgMajFault=27n totalInactiveAnon=28n totalActiveAnon=29n totalInactiveFile=30n totalActiveFile=31n totalUnevictable=32n usage=33@io.containerd.cgroups.v1.MemoryEntry swap=34@io.containerd.cgroups.v1.MemoryEntry kernel=35@io.containerd.cgroups.v1.MemoryEntry kernelTcp=36@io.containerd.cgroups.v1.MemoryEntry",
  "io.containerd.cgroups.v1.MemoryEntry": "limit=1n usage=2n max=3n failcnt=4n",
  "io.containerd.cgroups.v1.MemoryOomControl": "oomKillDisable=1n underOom=2n oomKill=3n",
  "io.containerd.cgroups.v1.BlkIOStat":
    "ioServiceBytesRecursive=1*@io.containerd.cgroups.v1.BlkIOEntry ioServicedRecursive=2*@io.containerd.cgroups.v1.BlkIOEntry ioQueuedRecursive=3*@io.containerd.cgroups.v1.BlkIOEntry ioServiceTimeRecursive=4*@io.containerd.cgroups.v1.BlkIOEntry ioWaitTimeRecursive=5*@io.containerd.cgroups.v1.BlkIOEntry ioMergedRecursive=6*@io.containerd.cgroups.v1.BlkIOEntry ioTimeRecursive=7*@io.containerd.cgroups.v1.BlkIOEntry sectorsRecursive=8*@io.containerd.cgroups.v1.BlkIOEntry",
  "io.containerd.cgroups.v1.BlkIOEntry": "op=1s device=2s major=3n minor=4n value=5n",
  "io.containerd.cgroups.v1.RdmaStat":
    "current=1*@io.containerd.cgroups.v1.RdmaEntry limit=2*@io.containerd.cgroups.v1.RdmaEntry",
  "io.containerd.cgroups.v1.RdmaEntry": "device=1s hcaHandles=2n hcaObjects=3n",
  "io.containerd.cgroups.v1.NetworkStat":
    "name=1s rxBytes=2n rxPackets=3n rxErrors=4n rxDropped=5n txBytes=6n txPackets=7n txErrors=8n txDropped=9n",
  "io.containerd.cgroups.v1.CgroupStats":
    "nrSleeping=1n nrRunning=2n nrStopped=3n nrUninterruptible=4n nrIoWait=5n",
  "io.containerd.cgroups.v2.Metrics":
    "pids=1@io.containerd.cgroups.v2.PidsStat cpu=2@io.containerd.cgroups.v2.CPUStat memory=4@io.containerd.cgroups.v2.MemoryStat rdma=5@io.containerd.cgroups.v2.RdmaStat io=6@io.containerd.cgroups.v2.IOStat hugetlb=7*@io.containerd.cgroups.v2.HugeTlbStat memoryEvents=8@io.containerd.cgroups.v2.MemoryEvents network=9*@io.containerd.cgroups.v2.NetworkStat",
  "io.containerd.cgroups.v2.PSIData": "avg10=1d avg60=2d avg300=3d total=4n",
  "io.containerd.cgroups.v2.PSIStats":
    "some=1@io.containerd.cgroups.v2.PSIData full=2@io.containerd.cgroups.v2.PSIData",
  "io.containerd.cgroups.v2.PidsStat": "current=1n limit=2n",
  "io.containerd.cgroups.v2.CPUStat":
    "usageUsec=1n userUsec=2n systemUsec=3n nrPeriods=4n nrThrottled=5n throttledUsec=6n psi=7@io.containerd.cgroups.v2.PSIStats nrBursts=8n burstUsec=9n",
  "io.containerd.cgroups.v2.MemoryStat":
    "anon=1n file=2n kernelStack=3n slab=4n sock=5n shmem=6n fileMapped=7n fileDirty=8n fileWriteback=9n anonThp=10n inactiveAnon=11n activeAnon=12n inactiveFile=13n activeFile=14n unevictable=15n slabReclaimable=16n slabUnreclaimable=17n pgfault=18n pgmajfault=19n workingsetRefault=20n workingsetActivate=21n workingsetNodereclaim=22n pgrefill=23n pgscan=24n pgsteal=25n pgactivate=26n pgdeactivate=27n pglazyfree=28n pglazyfreed=29n thpFaultAlloc=30n thpCollapseAlloc=31n usage=32n usageLimit=33n swapUsage=34n swapLimit=35n maxUsage=36n swapMaxUsage=37n psi=38@io.containerd.cgroups.v2.PSIStats workingsetRefaultAnon=39n workingsetRefaultFile=40n workingsetActivateAnon=41n workingsetActivateFile=42n",
  "io.containerd.cgroups.v2.MemoryEvents": "low=1n high=2n max=3n oom=4n oomKill=5n oomGroupKill=6n",
  "io.containerd.cgroups.v2.RdmaStat":
    "current=1*@io.containerd.cgroups.v2.RdmaEntry limit=2*@io.containerd.cgroups.v2.RdmaEntry",
  "io.containerd.cgroups.v2.RdmaEntry": "device=1s hcaHandles=2n hcaObjects=3n",
  "io.containerd.cgroups.v2.IOStat":
    "usage=1*@io.containerd.cgroups.v2.IOEntry psi=2@io.containerd.cgroups.v2.PSIStats",
  "io.containerd.cgroups.v2.IOEntry": "major=1n minor=2n rbytes=3n wbytes=4n rios=5n wios=6n",
  "io.containerd.cgroups.v2.HugeTlbStat": "current=1n max=2n pagesize=3s failcnt=4n",
  "io.containerd.cgroups.v2.NetworkStat":
    "name=1s rxBytes=2n rxPackets=3n rxErrors=4n rxDropped=5n txBytes=6n txPackets=7n txErrors=8n txDropped=9n",
};
