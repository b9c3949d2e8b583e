export {
  measureSensitivity,
  type Sensitivity,
  type SensitivityCurve,
  type SensitivityKind,
  type SensitivityMeasureOptions,
  type SensitivityPoint,
  sensitivityKinds,
  sensitivityTargets,
} from './sensitivity.js';
export { bearable, suggestion } from './suggestion.js';
