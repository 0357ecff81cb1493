// nats://user:password@host:4222,other:4222/STREAM

import { UsageError } from './command.mjs';

/** As createNatsSink has it. */
const USUAL_STREAM = 'PETREL';

const ADDRESS = /^(nats|tls):\/\/(?:([^@/?#]*)@)?([^@/?#]+)(?:\/([A-Za-z0-9_-]*))?$/i;

/**
 * What an address says of server, stream and who one is. One name without a password is a token. A stream of another name than the usual
 * one has subjects of its own: two streams of a server cannot share them.
 *
 * @param {string} address
 * @param {string} by who said it
 * @returns {Pick<import('../../dist/server/sinks/nats.js').NatsStreamOptions, 'servers' | 'stream' | 'subject' | 'connection'>}
 * @throws UsageError
 */
export function readNatsAddress(address, by) {
  const [, scheme, who, hosts, stream] = ADDRESS.exec(address) ?? [];
  if (!hosts) throw new UsageError(`${by} must be such as nats://host:4222/STREAM: servers, and the name of a stream`);
  const [user = '', pass] = (who ?? '').split(/:(.*)/s).map(decodeURIComponent);
  const identity = pass === undefined ? (user === '' ? {} : { token: user }) : { user, pass };
  const connection = { ...identity, ...(scheme?.toLowerCase() === 'tls' && { tls: {} }) };
  return {
    servers: hosts.split(','),
    ...(stream && stream !== USUAL_STREAM && { stream, subject: `${stream}.events` }),
    ...(Object.keys(connection).length > 0 && { connection }),
  };
}
