/** A user of a registry, as docker keeps it: a password, or a token that gets other tokens. */
export type Credentials =
  | { readonly username: string; readonly password: string }
  | { readonly identityToken: string };

/** How long a registry is waited for, and how often; as of `images.limits` in the configuration. */
export interface RegistryLimits {
  /** A request that is open and gives no byte for this long is stalled: it is closed, and made again. */
  readonly stallMs: number;
  /** How often a request that broke, stalled or was answered with 5xx is made again. */
  readonly retries: number;
  /** The wait before the first of these; it doubles from one to the next. */
  readonly backoffMs: number;
  /** How many blobs come at once, of all the images that one registry client pulls. */
  readonly blobsAtOnce: number;
}

/** Which registries there are, who is known to them, and what is waited for. */
export interface RegistrySettings {
  /** Who we are to a host (`registry.example:5000`), or undefined; nobody anywhere where it is missing. */
  readonly credentials?: (host: string) => Credentials | undefined;
  /** The mirrors of a registry by its host: hosts, or addresses with a scheme, asked in this order before itself. */
  readonly mirrors?: Readonly<Record<string, readonly string[]>>;
  /** Hosts that are spoken to without TLS, as those of this machine are anyway. */
  readonly insecureRegistries?: readonly string[];
  readonly limits: RegistryLimits;
}
