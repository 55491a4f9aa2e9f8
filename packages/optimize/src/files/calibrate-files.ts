import { fewerFlops, inputRoles } from '@tp/compare'
import { readProvenance } from '@tp/compiler'
import { TpError } from '@tp/core'
import type { Runtime } from '@tp/core/runtime'
import type { ModelFile } from '@tp/data'
import { loadFile } from '@tp/data/files'
import type { Guard } from '@tp/guard'
import { type CalibrateOptions, calibrate } from '../calibrate.ts'

/** A model, and the one that it was made from. */
export interface CascadeFiles {
  readonly pruned: ModelFile
  readonly dense: ModelFile
}

export interface CalibrateFilesOptions extends Omit<CalibrateOptions, 'pruned' | 'dense'> {
  readonly runtime: Pick<Runtime, 'load'>
}

/**
 * Calibrates the cascade of the files of a pruned and a dense model, as `calibrate` does; what it costs is estimated by FLOPs, unless a
 * speed-up is given.
 * @throws TpError TP_OPTION for one file twice, or two in each other's place; and as `calibrate`
 *
 * @example
 * const files = { pruned: await readModel('pruned.onnx'), dense: await readModel('model.onnx') }
 * const guard = await calibrateFiles(files, { runtime, inputs, agreement: 0.99 })
 */
export async function calibrateFiles(
  { pruned, dense }: CascadeFiles,
  { runtime, ...options }: CalibrateFilesOptions,
): Promise<Guard> {
  const { inputs, signal } = options
  requirePair({ pruned, dense })
  const fewer = fewerFlops({ dense: dense.model, pruned: pruned.model, roles: inputRoles(dense.model) }, inputs)
  if (fewer !== undefined && fewer < 1)
    throw misplaced(`${pruned.path} takes ${Math.round(100 / fewer)} % of the FLOPs of ${dense.path}`)
  const modelOf = (file: ModelFile): CalibrateOptions['dense'] => ({
    hash: file.hash(),
    open: () => loadFile(runtime, file, { threads: 1, signal }),
  })
  const speedup = options.speedup ?? fewer
  return await calibrate({ ...options, speedup, pruned: modelOf(pruned), dense: modelOf(dense) })
}

/** Refuses what needs no examples to be seen. @throws TpError TP_OPTION for one file twice, or two in each other's place */
export function requirePair({ pruned, dense }: CascadeFiles): void {
  if (pruned.hash() === dense.hash()) throw misplaced(`${pruned.path} and ${dense.path} are the same model`)
  const [step] = readProvenance(dense.model)
  if (step !== undefined && readProvenance(pruned.model).length === 0)
    throw misplaced(`${dense.path} is pruned (${step.method}), and ${pruned.path} is not`)
}

function misplaced(seen: string): TpError {
  return new TpError('TP_OPTION', 'optimize', `${seen}: give the pruned model first, and the dense one with --against`)
}
