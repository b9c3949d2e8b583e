#!/usr/bin/env node
import { cli } from './command-line.js';
import { survivePipes } from './terminal/stream.js';

survivePipes();
process.exitCode = await cli(process.argv.slice(2));
