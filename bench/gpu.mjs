/**
 * Training on a GPU by WebGPU, in under four minutes and without a network. First which adapter there is: a software
 * one is refused unless `--software`. Then whether it computes right; images a second of four nets at batches of 128
 * and 1,024 by stock `model.fit`, by ours, by the CPU backend (at the same time, it is not in the way) and by PyTorch
 * where python3 has it with CUDA; whether their loss curves are the same; and the demo's recipe to its end.
 *
 *   node bench/gpu.mjs [--out results.jsonl] [--limit 230] [--only check,mlp,demo,lenet5,resnet8,vgg,torch,recipe] [--software]
 *
 * Prints a JSON line for each result as it is there, so that a crash loses one row, and the bars at the end.
 * `--software` makes everything tiny: it tries the benchmark, its speeds mean nothing.
 */
import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { doctor } from '@espalier/backend';
import { bars, curves } from './gpu/verdict.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const NETS = ['mlp', 'lenet5', 'resnet8', 'vgg'];
const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    limit: { type: 'string', default: '230' },
    only: { type: 'string', default: 'check,mlp,lenet5,demo,resnet8,vgg,torch,recipe' },
    software: { type: 'boolean', default: false },
  },
});
const { software } = values;
const only = values.only.split(',');
const began = performance.now();
const elapsed = () => (performance.now() - began) / 1000;
const left = () => Number(values.limit) - elapsed();
const rows = [];

function say(row) {
  const line = JSON.stringify({ at: Number(elapsed().toFixed(1)), ...row });
  rows.push(row);
  console.log(line);
  if (values.out) appendFileSync(values.out, `${line}\n`);
}

/** Runs a program to its end or its time; its lines become rows. One that crashes loses what it had not said. */
function work(section, command, args, seconds, toRow = (line) => JSON.parse(line)) {
  const limit = Math.min(seconds, left());
  if (limit < 3) {
    say({ section, skipped: 'no time left' });
    return Promise.resolve(false);
  }
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const timer = setTimeout(() => child.kill('SIGKILL'), limit * 1000);
    let errors = '';
    child.stderr.on('data', (chunk) => {
      errors = (errors + chunk).slice(-2000);
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      try {
        const row = toRow(line);
        if (row) say({ section, ...row });
      } catch {
        errors += `${line}\n`;
      }
    });
    child.on('error', (error) => {
      clearTimeout(timer);
      say({ section, failed: String(error) });
      resolve(false);
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (signal) say({ section, stopped: `after ${limit.toFixed(0)} s`, errors: errors.slice(-300) });
      else if (code !== 0) say({ section, failed: `exit code ${code}`, errors: errors.slice(-600) });
      resolve(code === 0);
    });
  });
}

const node = (section, file, args, seconds, toRow) =>
  work(section, process.execPath, [join('bench', 'gpu', file), ...args], seconds, toRow);

/** A net's options: tiny on software. */
function size(net, way) {
  const steps = { mlp: 8, lenet5: 8, resnet8: 4, vgg: 4 }[net];
  // The CPU would take minutes for the large batches of the convolutional nets.
  const batches = way === 'cpu' && net !== 'mlp' ? '128' : '128,1024';
  if (!software) return ['--curve', String(steps), '--batches', batches, '--seconds', '1.5'];
  return [
    '--curve',
    net === 'mlp' ? '3' : '1',
    '--batches',
    net === 'mlp' ? '16,32' : '4',
    '--seconds',
    '0.1',
  ];
}

const row = (net, way, seconds) =>
  node(net, 'row.mjs', ['--way', way, '--model', net, ...size(net, way)], seconds);

/** A recipe by the command line: its lines, then what its report says. */
async function recipe(section, file, seconds) {
  const out = join(root, 'runs', `gpu-${section}`);
  rmSync(out, { recursive: true, force: true });
  const cli = join('node_modules', '@espalier', 'runner', 'bin', 'espalier.js');
  const start = performance.now();
  const args = [cli, 'run', file, '--backend', 'webgpu', '--out', out];
  const done = await work(section, process.execPath, args, seconds, (line) =>
    line.trim() ? { line } : undefined,
  );
  say({ section, ended: done, seconds: Number(((performance.now() - start) / 1000).toFixed(1)) });
}

async function main() {
  if (values.out) writeFileSync(values.out, '');
  mkdirSync(join(root, 'runs'), { recursive: true });
  const webgpu = (await doctor()).find(({ backend }) => backend === 'webgpu');
  const smi = spawnSync('nvidia-smi', ['--query-gpu=name,driver_version', '--format=csv,noheader'], {
    encoding: 'utf8',
  });
  say({ section: 'adapter', ...webgpu, card: smi.stdout?.trim() || undefined, node: process.version });
  if (webgpu.found !== 'works') return 1;
  if (webgpu.adapter.software && !software) {
    say({
      section: 'adapter',
      stopped: 'a software adapter: its speeds mean nothing; --software tries the benchmark',
    });
    return 1;
  }
  const slow = software ? 3 : 1;
  // The CPU's rows come beside the GPU's: one thread of many.
  const cpu = (async () => {
    for (const net of NETS) if (only.includes(net)) await row(net, 'cpu', 60 * slow);
  })();
  if (only.includes('check')) await node('check', 'check.mjs', software ? ['--tiny'] : [], 25 * slow);
  for (const section of only) {
    if (NETS.includes(section)) {
      await row(section, 'ours', 22 * slow);
      await row(section, 'stock', 22 * slow);
    }
    if (section === 'demo') {
      // On software it only has to begin.
      await recipe('demo', 'examples/lenet-300-100/recipe.yaml', software ? 30 : 90);
    }
    if (section === 'torch') await torch();
    if (section === 'recipe' && !software) {
      await recipe('recipe', 'examples/lenet-5-structured/recipe.yaml', left());
    }
  }
  await cpu;
  say({ section: 'curves', ...curves(rows) });
  say({ section: 'bars', ...bars(rows) });
  return 0;
}

async function torch() {
  const found = spawnSync('python3', ['-c', 'import torch; print(torch.cuda.is_available())'], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  if (found.stdout?.trim() !== 'True') {
    say({ section: 'torch', skipped: 'python3 has no torch that finds CUDA' });
    return;
  }
  const nets = NETS.filter((net) => only.includes(net));
  await work('torch', 'python3', [join('bench', 'gpu', 'torch_rows.py'), nets.join(), '128,1024', '1'], 30);
}

process.exitCode = await main();
