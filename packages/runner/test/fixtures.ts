import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A folder that is the test's own. */
export function folder(): string {
  return mkdtempSync(join(tmpdir(), 'espalier-runner-'));
}

/** Small pictures in CIFAR-10's binary format: class c is bright in its own stripe, over noise. */
export function tinyCifar(dir: string, perFile = 60): string {
  let state = 1;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const write = (name: string): void => {
    const bytes = new Uint8Array(perFile * 3073);
    for (let i = 0; i < perFile; i++) {
      const label = i % 10;
      bytes[i * 3073] = label;
      for (let j = 0; j < 3072; j++) {
        const row = Math.floor((j % 1024) / 32);
        bytes[i * 3073 + 1 + j] = Math.floor(80 * random()) + (Math.floor(row / 3) === label ? 150 : 0);
      }
    }
    writeFileSync(join(dir, name), bytes);
  };
  mkdirSync(dir, { recursive: true });
  for (let i = 1; i <= 5; i++) write(`data_batch_${i}.bin`);
  write('test_batch.bin');
  return dir;
}

/** A recipe over `tinyCifar`: seconds, not minutes, and every kind of stage. */
export function tinyRecipe(
  dir: string,
  data: string,
  changes: (text: string) => string = (text) => text,
): string {
  const file = join(dir, 'recipe.yaml');
  writeFileSync(
    file,
    changes(`name: tiny
seed: 7
data: { name: cifar10, dir: ${data}, validation: 50, batchSize: 10 }
model:
  layers:
    - averagePooling2d: { poolSize: 4 }
    - flatten: {}
    - dense: { units: 24, activation: relu }
    - dropout: { rate: 0.1 }
    - dense: { units: 10, activation: softmax }
stages:
  - name: dense
    epochs: 3
    learningRate: 0.01
  - name: prune
    epochs: 4
    schedules:
      - use: '@espalier/pruners#agp'
        options: { final: 0.7 }
        parameters: '**/kernel'
        end: 3
  - name: share
    use: '@espalier/quantize-kmeans#kmeans'
    options: { clusters: 8 }
    parameters: '**/kernel'
  - name: tune
    epochs: 2
`),
  );
  return file;
}

/** What TensorFlow says before anybody can ask it not to. */
const others = /^(WARNING: All log|I0000 ).*\n/gm;

/** The built command. */
export const cliFile: string = fileURLToPath(new URL('../dist/cli.js', import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built command. `during` gets the child, to kill it. */
export function espalier(
  args: readonly string[],
  during: (child: ReturnType<typeof spawn>, output: () => string) => void = () => {},
): Promise<Outcome> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [cliFile, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.on('close', (code) => done({ code, stdout, stderr: stderr.replace(others, '') }));
    during(child, () => stdout);
  });
}
