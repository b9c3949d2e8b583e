#!/usr/bin/env node
// Outside of dist, so that package managers can link the command before anything is built.
import '../dist/cli.js';
