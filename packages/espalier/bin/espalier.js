#!/usr/bin/env node
import { command } from '@espalier/runner/command';

await command(process.argv.slice(2), { packages: import.meta.url });
