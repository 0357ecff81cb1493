/** Version of the tables below, in `meta`. */
export const SCHEMA_VERSION = 1;

/** Columns of `events` that are written, with their types. */
export const EVENT_COLUMNS = {
  id: 'text',
  source: 'text',
  seq: 'bigint',
  name: 'text',
  category: 'text',
  user_id: 'text',
  anonymous_id: 'text',
  session_id: 'text',
  group_id: 'text',
  timestamp: 'bigint',
  sent_at: 'bigint',
  received_at: 'bigint',
  batch_id: 'text',
  properties: 'jsonb',
  context: 'jsonb',
  original: 'text',
} as const;

const NOT_NULL = ['source', 'seq', 'name', 'category', 'timestamp', 'sent_at', 'received_at', 'properties'];

const columns = Object.entries(EVENT_COLUMNS).map(([name, type]) => {
  // Ids are compared, never sorted for people: bytes are compared faster than letters of a language.
  if (name === 'id') return 'id text COLLATE "C" PRIMARY KEY';
  return `${name} ${type}${NOT_NULL.includes(name) ? ' NOT NULL' : ''}`;
});

/**
 * The tables, in a schema whose name is quoted already. `received_at` has a BRIN index: rows arrive in its order, and such an index costs an
 * insert next to nothing.
 */
export const tablesIn = (schema: string) => `
  CREATE SCHEMA IF NOT EXISTS ${schema};
  CREATE TABLE ${schema}.meta (version integer NOT NULL);
  INSERT INTO ${schema}.meta VALUES (${SCHEMA_VERSION});
  CREATE TABLE ${schema}.events (
    ${columns.join(',\n    ')},
    corrected_at bigint GENERATED ALWAYS AS (timestamp + received_at - sent_at) STORED,
    position bigint GENERATED ALWAYS AS IDENTITY
  );
  CREATE INDEX events_received_at ON ${schema}.events USING brin (received_at);
  CREATE TABLE ${schema}.drops (
    source text NOT NULL,
    first bigint NOT NULL,
    last bigint NOT NULL,
    reason text NOT NULL,
    received_at bigint NOT NULL,
    PRIMARY KEY (source, first, last, reason)
  );
`;

const names = Object.keys(EVENT_COLUMNS).join(', ');
const types = Object.entries(EVENT_COLUMNS).map(([name, type]) => `${name} ${type}`);

/**
 * Stores events ($1) and drops ($2), both JSON text, in one statement: one transaction, one way there and back. Returns the ids that are new.
 * From `json`, not `jsonb`: the list is read once, and need not be made into a tree first.
 */
export const insertInto = (schema: string) => `
  WITH dropped AS (
    INSERT INTO ${schema}.drops
    SELECT * FROM json_to_recordset($2::json) AS d(source text, first bigint, last bigint, reason text, received_at bigint)
    ON CONFLICT DO NOTHING
  )
  INSERT INTO ${schema}.events (${names})
  SELECT ${names} FROM json_to_recordset($1::json) AS e(${types.join(', ')})
  ON CONFLICT (id) DO NOTHING
  RETURNING id
`;

/** Which of the ids ($1, an array) are stored. */
export const selectStored = (schema: string) => `SELECT id FROM ${schema}.events WHERE id = ANY($1::text[])`;
