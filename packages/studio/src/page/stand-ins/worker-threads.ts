/** The thread that a worker of Node's answers, where it runs as a worker of a page. */
export const parentPort = {
  on(_: 'message', listen: (message: unknown) => void): void {
    self.addEventListener('message', ({ data }) => listen(data));
  },
  postMessage(message: unknown, transfer: Transferable[] = []): void {
    (self as unknown as { postMessage(message: unknown, transfer: Transferable[]): void }).postMessage(
      message,
      transfer,
    );
  },
};
