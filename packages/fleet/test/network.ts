import { connect, createServer, type Server, type Socket } from 'node:net';

/** A network between a worker and its database, which can drop for a while. */
export class Network {
  readonly port: number;
  readonly #server: Server;
  readonly #pairs: Set<[Socket, Socket]>;
  dropped = false;

  private constructor(server: Server, pairs: Set<[Socket, Socket]>) {
    this.#server = server;
    this.#pairs = pairs;
    this.port = (server.address() as { port: number }).port;
  }

  static start(to: number): Promise<Network> {
    return new Promise((done) => {
      const pairs = new Set<[Socket, Socket]>();
      let network: Network | undefined;
      const server = createServer((from) => {
        const pair: [Socket, Socket] = [from, connect(to, '127.0.0.1')];
        pairs.add(pair);
        for (const [i, socket] of pair.entries()) {
          const other = pair[1 - i];
          socket.on('data', (bytes) => other.write(bytes));
          socket.on('error', () => other.destroy());
          socket.on('close', () => {
            pairs.delete(pair);
            other.destroy();
          });
          if (network?.dropped) socket.pause();
        }
      });
      server.listen(0, '127.0.0.1', () => {
        network = new Network(server, pairs);
        done(network);
      });
    });
  }

  /** From now on nothing arrives, in either direction, and nobody hears of it. */
  drop(): void {
    this.dropped = true;
    for (const pair of this.#pairs) for (const socket of pair) socket.pause();
  }

  /** The network is back. What was on its way arrives, or, where connections were forgotten meanwhile, never will. */
  back({ forgotten = false } = {}): void {
    this.dropped = false;
    if (!forgotten) for (const pair of this.#pairs) for (const socket of pair) socket.resume();
  }

  /** All connections are cut. */
  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((done) => {
      this.#server.close(() => done());
    });
  }
}
