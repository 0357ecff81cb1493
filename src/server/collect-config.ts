import type { AllowedOrigins } from './cors.js';
import type { CollectorOptions } from './options.js';
import type { Sink } from './sinks/sink.js';

/**
 * What `petrel.config.ts` (or `.mts`, `.mjs`, `.js`, `.json`) exports as its default, for `petrel collect`. Every setting that is
 * text, a number or a list can be given by a flag and in the environment too; see docs/running.md.
 *
 * @example
 * ```ts
 * import type { CollectConfig } from 'petrel/server';
 *
 * export default {
 *   db: 'events.db',
 *   port: 8787,
 *   keys: ['shop'],
 *   origins: ['https://shop.example'],
 * } satisfies CollectConfig;
 * ```
 */
export interface CollectConfig
  extends Pick<
    CollectorOptions,
    | 'path'
    | 'formats'
    | 'limits'
    | 'rates'
    | 'privacy'
    | 'trustProxy'
    | 'metrics'
    | 'tail'
    | 'batch'
    | 'ackTimeoutMs'
    | 'sinkTimeoutMs'
  > {
  /**
   * The file of the embedded database; made if it is not there.
   * @defaultValue 'petrel.db' in the working folder, where no `sink` is given
   */
  db?: string;
  /**
   * Where events go, by its address (`events.db`, …: docs/running.md has the table), or a function that opens a sink of your own.
   * Instead of `db`.
   */
  sink?: string | (() => Sink | Promise<Sink>);
  /** Port to listen on (0 to 65 535); 0 takes a free one. @defaultValue 8787 */
  port?: number;
  /** Address to listen on; `0.0.0.0` or `::` for all. @defaultValue '127.0.0.1' */
  host?: string;
  /** Write keys (flag: `--key`, once for each). Absent: whoever reaches the collector may post. */
  keys?: string[];
  /** Pages that may post (flag: `--origin`, once for each). @defaultValue '*' */
  origins?: AllowedOrigins;
  ledger?: {
    /** Who may read `GET …/ledger` (16 to 512 characters). Absent: nobody, over HTTP. */
    token?: string;
    /** As `ledger.maxAgeMs` of `createCollector`. @defaultValue 691200000 (8 days) */
    maxAgeMs?: number;
    /** A database file for the ledger of a sink that keeps none. Absent: such a sink has no ledger. */
    db?: string;
  };
  /** Longest time the headers of a request may take to arrive, in milliseconds (100 to 3 600 000). @defaultValue 10000 */
  headersTimeoutMs?: number;
  /** Longest time a body may take to arrive, in milliseconds (100 to 3 600 000). @defaultValue 20000 */
  bodyTimeoutMs?: number;
  /** How long an idle connection is kept, in milliseconds (0 to 3 600 000). @defaultValue 65000 */
  keepAliveTimeoutMs?: number;
  /** Most connections at a time (1 to 1 000 000). @defaultValue 10000 */
  maxConnections?: number;
  /**
   * How long requests are served after SIGTERM, while `/readyz` says 503, in milliseconds (0 to 600 000): the time a balancer needs to
   * see that.
   * @defaultValue 0
   */
  drainDelayMs?: number;
  /**
   * How long ending may take, in milliseconds (1 000 to 600 000), after `drainDelayMs`: requests under way are answered, what is
   * queued is stored. Both together less than whoever sends SIGTERM waits until SIGKILL (systemd 90 s, Kubernetes 30 s, Docker 10 s).
   * @defaultValue 9000
   */
  drainTimeoutMs?: number;
  /** What is logged: this, and what is worse. `debug` has a line for each request. @defaultValue 'info' */
  logLevel?: 'debug' | 'info' | 'warn' | 'error';
}
