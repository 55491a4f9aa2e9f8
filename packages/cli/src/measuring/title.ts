import { basename } from 'node:path'
import type { Inspection } from '@tp/compiler'
import type { Runtime } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/data/inputs'
import { nodeRuntime } from '@tp/runtime-node'
import { grouped } from '../printing/numbers.ts'

/** The measurement and its data: the line above a table. */
export async function titleOf(
  path: string,
  { lengths, targets }: ModelInputs,
  inspection: Inspection | undefined,
  device: Runtime = nodeRuntime(),
): Promise<string> {
  const { runtime, version } = await device.diagnose()
  const size = inspection ? ` ${inspection.layers.length}×${inspection.hidden}` : ''
  const sorted = lengths?.toSorted((a, b) => a - b)
  return [
    `model  ${basename(path)}${size}`,
    `${grouped(targets.length)} examples${sorted ? `, ${sorted[0]} … ${sorted.at(-1)} tokens` : ''}`,
    `${runtime} ${version}, 1 thread`,
  ].join('   ')
}
