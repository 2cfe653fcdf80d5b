/** Where the OCI runtime keeps its state, by namespaces, unless the options name another directory. */
export const RUNC_ROOT = "/run/containerd/runc";
