import { createMemorySink } from '../../../src/server/sinks/memory.js';
import { sinkContract } from '../../contract/sink.contract.js';

sinkContract('the memory sink', () => {
  const sink = createMemorySink();
  return { sink, events: async () => [...sink.events.values()], drops: async () => byReason(sink.drops) };
});

const byReason = <T extends { reason: string }>(drops: readonly T[]) =>
  [...drops].sort((a, b) => (a.reason < b.reason ? -1 : 1));
