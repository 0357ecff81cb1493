import { connect, createServer, type Socket } from 'node:net';

/** A way to a server that can be made to hang: connections stay, and nothing comes through. */
export interface StallingProxy {
  readonly port: number;
  begin(): void;
  end(): void;
  close(): Promise<void>;
}

export function startStallingProxy(targetPort: number): Promise<StallingProxy> {
  const sockets = new Set<Socket>();
  let stalled = false;
  const track = (socket: Socket, other: Socket) => {
    sockets.add(socket);
    socket.on('error', () => other.destroy());
    socket.on('close', () => {
      sockets.delete(socket);
      other.destroy();
    });
    socket.on('data', (data) => other.write(data));
    if (stalled) socket.pause();
  };
  const server = createServer((client) => {
    const target = connect(targetPort, '127.0.0.1');
    track(client, target);
    track(target, client);
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve({
        port: (server.address() as { port: number }).port,
        begin() {
          stalled = true;
          for (const socket of sockets) socket.pause();
        },
        end() {
          stalled = false;
          for (const socket of sockets) socket.resume();
        },
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            for (const socket of sockets) socket.destroy();
          }),
      });
    });
  });
}
