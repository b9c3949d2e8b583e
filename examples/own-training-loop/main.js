import '@tensorflow/tfjs-backend-cpu';
import { trainOnDataset } from './dataset.js';
import { trainAndPrune } from './prune.js';

await trainAndPrune({ sparsity: 0.85, log: console.log });
console.log('\nThe same with a tf.data.Dataset');
await trainOnDataset({ sparsity: 0.85, log: console.log });
