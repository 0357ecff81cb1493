import type { JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node';
import { PetrelError } from '../../../core/errors.js';
import { checkNumber, show } from '../../../core/options.js';

/** Where the server is, and which stream the events go through: the same for the sink and its consumers. */
export interface NatsStreamOptions {
  /** One server, or several of one cluster: `nats://host:4222`. */
  servers: string | string[];
  /** Further options of the client: `{ user, pass }`, `{ token }`, `{ tls: {} }`, … */
  connection?: Omit<NodeConnectionOptions, 'servers'>;
  /**
   * The stream. It is made if it is not there; one that is there is used as it is.
   * @defaultValue 'PETREL'
   */
  stream?: string;
  /**
   * First part of the subjects; a partition's number follows it: `petrel.events.0`.
   * @defaultValue 'petrel.events'
   */
  subject?: string;
  /**
   * `workqueue`: a message stays until a consumer has stored it, and goes then. `limits`: it stays until `maxAgeMs` or `maxStreamBytes`, for several
   * kinds of consumers and for reading again, whether or not anybody has stored it. Counts when the stream is made.
   * @defaultValue 'workqueue'
   */
  retention?: 'workqueue' | 'limits';
  /**
   * Most bytes of the stream (1 048 576 to 2^53 - 1). When it is full, writes fail, and the collector's senders are told to come later: nothing that is
   * waiting is thrown away. Counts when the stream is made.
   * @defaultValue no limit but the server's
   */
  maxStreamBytes?: number;
  /**
   * Longest a message stays, in milliseconds (3 600 000 to 2^53 - 1). Counts when the stream is made.
   * @defaultValue no limit
   */
  maxAgeMs?: number;
  /**
   * On how many servers of a cluster each message is kept (1 to 5). Counts when the stream is made.
   * @defaultValue 1
   */
  replicas?: number;
  /**
   * How long the server remembers a message's id, in milliseconds (1 000 to 86 400 000): a batch that is sent again within is stored once.
   * Counts when the stream is made.
   * @defaultValue 120000
   */
  duplicateWindowMs?: number;
}

export interface NatsPlace {
  connection: NatsConnection;
  manager: JetStreamManager;
  packages: NatsPackages;
  stream: string;
  subject: string;
}

interface NatsPackages {
  transport: typeof import('@nats-io/transport-node');
  jetstream: typeof import('@nats-io/jetstream');
}

/** How often the client tries to reach a server that is away, in milliseconds; for ever. */
const RECONNECT_MS = 500;

const NANOS_PER_MS = 1_000_000;
const MAX = Number.MAX_SAFE_INTEGER;
/** A subject's parts, without spaces and wildcards. */
const SUBJECT = /^[^\s.*>]+(\.[^\s.*>]+)*$/;

/**
 * Connects, and makes the stream where there is none.
 *
 * @throws PetrelError `invalid-option`; `store-unavailable` when the packages, the server or its JetStream are not there, or another stream has the subject
 */
export async function openNats(options: NatsStreamOptions): Promise<NatsPlace> {
  const { servers, stream = 'PETREL', subject = 'petrel.events' } = options;
  const list = Array.isArray(servers) ? servers : [servers];
  if (list.length === 0 || !list.every((server) => typeof server === 'string' && server !== '')) {
    throw new PetrelError(
      'invalid-option',
      '`servers` must be a server such as nats://localhost:4222, or a list of them',
    );
  }
  for (const [name, value, pattern] of [
    ['stream', stream, /^[A-Za-z0-9_-]{1,64}$/],
    ['subject', subject, SUBJECT],
  ] as const) {
    if (typeof value !== 'string' || !pattern.test(value)) {
      throw new PetrelError('invalid-option', `\`${name}\` must match ${pattern}, not ${show(value)}`);
    }
  }
  const config = streamConfig(options);
  const packages = await loadNats();
  let connection: NatsConnection | undefined;
  try {
    connection = await packages.transport.connect({
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_MS,
      name: 'petrel',
      ...options.connection,
      servers: list,
    });
    const manager = await packages.jetstream.jetstreamManager(connection);
    await makeStream(manager, { name: stream, subjects: [`${subject}.*`], ...config });
    return { connection, manager, packages, stream, subject };
  } catch (cause) {
    await connection?.close();
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new PetrelError('store-unavailable', `the stream ${stream} cannot be used: ${why}`, { cause });
  }
}

type StreamConfig = Parameters<JetStreamManager['streams']['add']>[0];

function streamConfig(options: NatsStreamOptions): Omit<StreamConfig, 'name'> {
  const { retention = 'workqueue', maxStreamBytes, maxAgeMs, replicas = 1, duplicateWindowMs = 120_000 } = options;
  if (retention !== 'workqueue' && retention !== 'limits') {
    throw new PetrelError('invalid-option', `\`retention\` must be "workqueue" or "limits", not ${show(retention)}`);
  }
  if (maxStreamBytes !== undefined) checkNumber('maxStreamBytes', maxStreamBytes, { min: 1_048_576, max: MAX });
  if (maxAgeMs !== undefined) checkNumber('maxAgeMs', maxAgeMs, { min: 3_600_000, max: MAX });
  checkNumber('replicas', replicas, { min: 1, max: 5 });
  checkNumber('duplicateWindowMs', duplicateWindowMs, { min: 1_000, max: 86_400_000 });
  return {
    retention,
    storage: 'file',
    // `old` would throw away what no consumer has stored yet.
    discard: 'new',
    num_replicas: replicas,
    duplicate_window: duplicateWindowMs * NANOS_PER_MS,
    ...(maxStreamBytes !== undefined && { max_bytes: maxStreamBytes }),
    ...(maxAgeMs !== undefined && { max_age: maxAgeMs * NANOS_PER_MS }),
  };
}

/** Several collectors may start at the same moment: who comes second finds it made. */
async function makeStream(
  manager: JetStreamManager,
  config: StreamConfig & { name: string; subjects: string[] },
): Promise<void> {
  const { name, subjects } = config;
  const has = async () => {
    const found = await manager.streams.info(name).catch(() => undefined);
    if (!found) return false;
    if (!subjects.every((subject) => found.config.subjects.includes(subject))) {
      throw new Error(`it is there, and takes ${found.config.subjects.join(', ')} instead of ${subjects.join(', ')}`);
    }
    return true;
  };
  if (await has()) return;
  try {
    await manager.streams.add(config);
  } catch (error) {
    if (!(await has())) throw error;
  }
}

async function loadNats(): Promise<NatsPackages> {
  try {
    return {
      transport: await import('@nats-io/transport-node'),
      jetstream: await import('@nats-io/jetstream'),
    };
  } catch (cause) {
    throw new PetrelError(
      'store-unavailable',
      'the nats sink needs two packages: run `npm install @nats-io/transport-node @nats-io/jetstream`',
      { cause },
    );
  }
}
