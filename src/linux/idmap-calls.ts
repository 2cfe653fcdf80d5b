/** How the ids of a mount are mapped, and what of it. */
export interface MapIds {
  /** A descriptor of the user namespace whose maps say which id becomes which. */
  readonly userNamespace: number;
  /** With all that is mounted below. */
  readonly recursive?: boolean;
  /** Makes it read-only as well. */
  readonly readOnly?: boolean;
}

/** The calls about idmapped mounts, off the main thread; a part of `Libc`, and errors as there. */
export interface IdmapCalls {
  /**
   * open_tree(2) with OPEN_TREE_CLONE: a copy of a mount, its top being the path, that is nowhere in the tree and
   * goes with its descriptor. Before Linux 5.2 `unimplemented`.
   */
  cloneTree(path: string, options?: { readonly recursive?: boolean }): Promise<number>;
  /**
   * mount_setattr(2): maps the ids of a mount that is not in the tree, and makes it private. Before Linux 5.12
   * `unimplemented`; `invalidArgument` where its file system cannot.
   */
  mapIds(tree: number, options: MapIds): Promise<void>;
  /**
   * clone(2): a child in a user namespace of its own, with no ids mapped yet. It does nothing, ends by itself within
   * some seconds, and is the caller's to wait for. Resolves to its pid.
   */
  startInUserNamespace(): Promise<number>;
}
