export { auc } from './auc.js';
export { accuracy, bitsPerToken, perplexity, topK } from './classes.js';
export { type CountOptions, dice, f1, iou, precision, recall } from './counts.js';
export {
  type MetricName,
  type MetricOptions,
  type MetricUse,
  metricNames,
  metricOf,
  nearestMetric,
} from './named.js';
export { mae, mse, r2, rmse } from './numbers.js';
export { type OwnMetric, ownMetric } from './own.js';
export { type PictureOptions, psnr, ssim } from './pictures.js';
