import { defineConfig } from 'tsup';

/** JavaScript only: `tsc` writes the declarations (tsup's own step is many times slower). */
export default defineConfig({
  entry: ['src/index.ts'],
  format: 'esm',
  target: 'node20',
  platform: 'neutral',
  sourcemap: true,
  splitting: true,
  clean: true,
  dts: false,
  external: [/^node:/, /^@tensorflow\//, /^@espalier\//],
});
