import { createInterface } from 'node:readline';

/**
 * A program that is timed: says a line when it is ready, then answers each line of its input, a number of steps, with
 * milliseconds of the wall and of the processor (all threads) per step. JSON, so that any language can play.
 */
export async function answer(ready, takeSteps) {
  console.log(JSON.stringify(ready));
  for await (const line of createInterface({ input: process.stdin })) {
    const steps = Number(line);
    const before = process.cpuUsage();
    const began = performance.now();
    await takeSteps(steps);
    const wall = (performance.now() - began) / steps;
    const { user, system } = process.cpuUsage(before);
    console.log(JSON.stringify({ wall, cpu: (user + system) / 1000 / steps }));
  }
  process.exit(0);
}
