import type { Interval } from '@tp/metrics'
import type { WorkbenchSettings } from './settings.ts'

/** A setting that the benchmark has measured. */
export interface Preset {
  readonly name: 'Safe' | 'Balanced' | 'Fast'
  readonly settings: WorkbenchSettings
  /** How much more often the dense model is right on test data, −1 … 1, with its 95 % interval. */
  readonly loss: Interval
  /** Of the test data, for readers: `1,257`. */
  readonly examples: string
}

export function isSameSetting(a: WorkbenchSettings, b: WorkbenchSettings): boolean {
  return a.method === b.method && a.keep === b.keep && a.layers?.join() === b.layers?.join()
}

/** The setting at which a page begins: one in the middle. */
export function standardSettings(presets: readonly Preset[] | undefined): WorkbenchSettings {
  const balanced = presets?.find(({ name }) => name === 'Balanced')
  return balanced?.settings ?? { method: 'received-attention', keep: 0.7, layers: undefined }
}
