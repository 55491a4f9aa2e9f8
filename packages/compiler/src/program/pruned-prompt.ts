import type { Amount } from '@tp/core'
import type { Model } from '@tp/onnx'
import { readRecords, writeRecords } from './records.ts'
import { version } from './version.ts'

/** How the prompt of a decoder is pruned. */
export interface PrunedPrompt {
  /** Version of the toolkit. */
  readonly version: string
  readonly method: string
  /** The layer after whose attention tokens are pruned, from 0. */
  readonly layer: number
  readonly amount: Amount
  /** So many tokens are kept at least; absent: no such limit. */
  readonly leastTokens?: number
}

const KEY = 'tp.prompt'

/** The record of the pruning of a file's prompt; undefined where that is not pruned. */
export function readPrunedPrompt(model: Model): PrunedPrompt | undefined {
  return readRecords(model, KEY, isPrunedPrompt).at(-1)
}

export function addPrunedPrompt(model: Model, record: Omit<PrunedPrompt, 'version'>): void {
  writeRecords(model, KEY, [{ version, ...record }])
}

function isPrunedPrompt(record: unknown): record is PrunedPrompt {
  const { version, method, layer, amount, leastTokens = 0 } = (record ?? {}) as Partial<PrunedPrompt>
  const { kind, value } = (amount ?? {}) as Partial<Amount>
  return (
    [version, method, kind].every((text) => typeof text === 'string') &&
    [layer, leastTokens].every(Number.isInteger) &&
    typeof value === 'number'
  )
}
