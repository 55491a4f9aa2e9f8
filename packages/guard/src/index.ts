// Cascades: uncertain answers run again dense, from a threshold that was calibrated.

export { answerOf, type Uncertainty, uncertaintyOf } from './answer.ts'
export {
  agreementBound,
  type CalibratedCascade,
  type CascadeCalibration,
  calibrateCascade,
  type Estimate,
  type LogitRows,
} from './calibrate-cascade.ts'
export { type Cascade, type CascadeOptions, type CascadeRun, type CascadeStatistics, cascade } from './cascade.ts'

// Monitors: an alarm where inputs or answers drift from a recorded baseline.

export { type Baseline, type BaselineOptions, type BaselineSession, recordBaseline } from './baseline.ts'
export { type FalseAlarmOptions, type MeasuredFalseAlarms, measureFalseAlarms } from './false-alarms.ts'
export { type Alarm, type Monitor, type MonitorOptions, type MonitorStatistics, monitor } from './monitor.ts'
export type { Signal } from './signals.ts'

// Files: what was calibrated and recorded, as JSON.

export { type Guard, readGuard } from './guard-file.ts'
