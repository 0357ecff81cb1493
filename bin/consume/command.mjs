// `petrel consume`: brings what collectors put into a stream into a store.

import { createLog, LEVELS, tell } from '../collect/log.mjs';
import { sinkKindOf, withoutSecrets } from '../collect/sinks.mjs';
import { parse, say, UsageError } from '../lib/command.mjs';
import { readNatsAddress } from '../lib/nats-address.mjs';

const HELP = `Usage
  petrel consume --from nats://localhost:4222 --sink events.db

Takes events from the stream that \`petrel collect --sink nats://…\` fills, and stores them once. As many processes as you like share the work.

Options (or in the environment: PETREL_FROM, PETREL_SINK, PETREL_DURABLE, PETREL_LOG_LEVEL)
  --from <address>     nats://user:password@host:4222/STREAM
  --sink <address>     where to: as of \`petrel collect\`
  --durable <name>     the name under which the server remembers what is done (petrel-store)
  --partition <n>      only this one of the collector's partitions (all)
  --log-level <level>  debug, info, warn or error (info)
  -h, --help           this text

SIGTERM or SIGINT: ends the write under way, leaves the rest to the next process, ends with 0.
`;

/** How long ending may take, in ms. What is not acknowledged to the server by then is given out again. */
const CLOSE_TIMEOUT_MS = 9_000;

/** @param {string[]} argv what follows `petrel consume` */
export async function consume(argv) {
  const { values } = parse(argv, {
    from: { type: 'string' },
    sink: { type: 'string' },
    durable: { type: 'string' },
    partition: { type: 'string' },
    'log-level': { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  });
  if (values.help) return say(HELP);
  const { env } = process;
  const from = values.from ?? env.PETREL_FROM;
  const to = values.sink ?? env.PETREL_SINK;
  const durable = values.durable ?? (env.PETREL_DURABLE || undefined);
  const level = values['log-level'] ?? (env.PETREL_LOG_LEVEL || 'info');
  const { partition } = values;
  if (!from) throw new UsageError('`petrel consume` needs --from, such as nats://localhost:4222');
  if (!to) throw new UsageError('`petrel consume` needs --sink, such as events.db');
  const known = LEVELS.find((one) => one === level);
  if (!known) throw new UsageError(`--log-level must be one of ${LEVELS.join(', ')}, not ${JSON.stringify(level)}`);
  if (partition !== undefined && !/^\d{1,3}$/.test(partition)) {
    throw new UsageError(`--partition must be a number from 0 to 999, not ${JSON.stringify(partition)}`);
  }
  const place = readNatsAddress(from, '--from');
  if (/^(nats|tls):/i.test(to)) throw new UsageError('--sink must be a store, not another stream');
  const kind = sinkKindOf(to, '--sink');

  const log = createLog(known);
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  const { consumeNats } = await import('../../dist/server/sinks/nats-consumer.js');
  const sink = await kind.open(to);
  const consumer = await consumeNats({
    ...place,
    sink,
    ...(durable !== undefined && { durable }),
    ...(partition !== undefined && { partition: Number(partition) }),
    onError: (error) => log.error('not stored', { error: tell(error) }),
  }).catch(async (error) => {
    await sink.close();
    throw error;
  });

  let isEnding = false;
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGINT'])) {
    process.on(signal, () => {
      if (isEnding) return;
      isEnding = true;
      log.info('draining', { signal, ...consumer.state() });
      setTimeout(() => {
        log.error('not ended in time; what was not acknowledged is given out again', { ...consumer.state() });
        process.exit(1);
      }, CLOSE_TIMEOUT_MS);
      consumer.close().then(
        () => {
          log.info('stopped', { ...consumer.state() });
          process.exit(0);
        },
        (error) => {
          log.error('the store failed while it was closed', { error: tell(error) });
          process.exit(1);
        },
      );
    });
  }
  const names = { from: withoutSecrets(from), sink: withoutSecrets(to) };
  log.info('consuming', { pid: process.pid, ...names });
  say(`petrel consumes ${names.from} into ${names.sink}`);
}
