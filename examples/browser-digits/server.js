/** Serves the page, and the two packages it imports: `node server.js [port]`, then open the address it prints. */
import { createReadStream, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, extname, join, normalize, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.esp': 'application/octet-stream',
};

/** Address prefix to folder. */
export function folders() {
  const packageRoot = (name) => dirname(require.resolve(`${name}/package.json`));
  return {
    '/modules/codec/': join(packageRoot('@espalier/codec'), 'dist'),
    '/modules/tfjs/': join(packageRoot('@tensorflow/tfjs'), 'dist'),
    '/golden/': join(packageRoot('@espalier/codec'), 'test', 'golden'),
    '/': here,
  };
}

export function serve(port = 0) {
  const roots = folders();
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, 'http://local').pathname);
    const [prefix, root] = Object.entries(roots).find(([start]) => path.startsWith(start));
    const file = normalize(join(root, path.slice(prefix.length) || 'index.html'));
    if (!file.startsWith(root + sep) || !TYPES[extname(file)] || !existsSync(file)) {
      response.writeHead(404).end('not here');
      return;
    }
    response.writeHead(200, { 'Content-Type': TYPES[extname(file)] });
    createReadStream(file).pipe(response);
  });
  return new Promise((resolve) => {
    server.listen(port, '127.0.0.1', () =>
      resolve({ server, url: `http://127.0.0.1:${server.address().port}/` }),
    );
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { url } = await serve(Number(process.argv[2] ?? 8080));
  console.log(`Draw a digit at ${url}  (in a worker: ${url}?worker). Ctrl-C ends.`);
}
