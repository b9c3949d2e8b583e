import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A program that answers a line of JSON for each line it is given; undefined where it cannot be had. */
export async function startRival(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], ...options });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said = `${said}${chunk}`.slice(-2000);
  });
  child.stdin.on('error', () => undefined);
  const ended = new Promise((resolve) => {
    child.once('error', resolve);
    child.once('exit', resolve);
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done) {
        await ended;
        throw new Error(said.trim().split('\n').pop() || `${command} ended`);
      }
      if (value.startsWith('{')) return JSON.parse(value);
    }
  };
  const ready = await next();
  return {
    ready,
    ask: (line) => {
      child.stdin.write(`${line}\n`);
      return next();
    },
    end: () => {
      child.stdin.end();
      return ended;
    },
  };
}
