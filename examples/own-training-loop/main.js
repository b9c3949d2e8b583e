import '@tensorflow/tfjs-backend-cpu';
import { trainAndPrune } from './prune.js';

await trainAndPrune({ sparsity: 0.85, log: console.log });
