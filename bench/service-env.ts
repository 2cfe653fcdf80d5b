/** What docs/install.md has containerd's service set in the environment of its shims; each that is measured has it. */
export const SERVICE_ENV: Readonly<Record<string, string>> = { BUN_JSC_useJIT: "false" };
