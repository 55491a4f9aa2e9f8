export { answerOf, type Uncertainty, uncertaintyOf } from './answer.ts'
export { type Baseline, type BaselineOptions, type BaselineSession, recordBaseline } from './baseline.ts'
export {
  agreementBound,
  type CalibratedCascade,
  type CascadeCalibration,
  calibrateCascade,
  type Estimate,
  type LogitRows,
} from './calibrate-cascade.ts'
export { type Cascade, type CascadeOptions, type CascadeRun, type CascadeStatistics, cascade } from './cascade.ts'
export { Drift } from './drift.ts'
export { type FalseAlarmOptions, type MeasuredFalseAlarms, measureFalseAlarms } from './false-alarms.ts'
export { type Guard, readGuard } from './guard-file.ts'
export { type Alarm, type Monitor, type MonitorOptions, type MonitorStatistics, monitor } from './monitor.ts'
export type { Signal } from './signals.ts'
