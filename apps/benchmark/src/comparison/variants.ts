import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { PruneOptions } from '@tp/compiler'
import { isTpError, none, random, TpError } from '@tp/core'
import type { Runtime } from '@tp/core/runtime'
import type { ModelInputs } from '@tp/eval/inputs'
import { decodeModel, encodeModel, type Model } from '@tp/onnx'
import { examplesFlops, keptCounts } from '@tp/train'
import { scheduleOf } from '../measure/compare.ts'
import type { Subject } from '../measure/subject.ts'
import { lengthOfEqualCost } from '../measure/truncation.ts'
import { prunedModel, totalFlops, withoutDeadTokens } from '../measure/variant.ts'
import { dropLayers } from './drop-layers.ts'
import { methodOf, type Setting } from './setting.ts'

/** A subject's split, opened, in one precision or two. */
export interface Opened {
  readonly subject: Subject
  readonly int8: Subject | undefined
}

/** What a setting makes of a subject. */
export interface Prepared {
  readonly model: Model
  readonly inputs: ModelInputs
  /** Tokens that enter it, by example. */
  readonly lengths: readonly number[]
  /** What texts are cut to. */
  readonly maxTokens?: number
}

export const learnedFolder: string = fileURLToPath(new URL('../../../../reports/learned/', import.meta.url))

/** @param extra what a pruned model can be asked besides: which tokens stay, or what if one more stayed */
export async function prepare(
  opened: Opened,
  setting: Setting,
  extra: Pick<PruneOptions, 'trace' | 'protectInput'> = {},
): Promise<Prepared> {
  const subject = subjectOf(opened, setting)
  const { model, inputs, lengths, name } = subject
  const whole = { inputs, lengths }
  switch (setting.kind) {
    case 'dense':
      return { model, ...whole }
    case 'none':
      return { model: withoutDeadTokens(subject).model, ...whole }
    case 'pruned': {
      const method = methodOf(setting.method, setting.seed)
      return {
        model: prunedModel(model, { method, schedule: scheduleOf(subject, setting.budget), ...extra }, name),
        ...whole,
      }
    }
    case 'shallow': {
      const shallow = dropLayers(model, setting.without)
      return { model: prunedModel(shallow, { method: none(), schedule: new Map() }, name), ...whole }
    }
    case 'learned':
      return {
        model: decodeModel(await readFile(`${learnedFolder}${setting.file}.${extra.trace ? 'traced.' : ''}onnx`)),
        ...whole,
      }
    case 'truncated': {
      const dense = withoutDeadTokens(subject).model
      const like = prunedModel(
        model,
        { method: random({ seed: 0 }), schedule: scheduleOf(subject, setting.budget) },
        name,
      )
      const maxTokens = lengthOfEqualCost(dense, lengths, totalFlops(like, lengths))
      const cut = await subject.truncated(maxTokens)
      return { model: dense, inputs: cut, lengths: cut.lengths as readonly number[], maxTokens }
    }
  }
}

function subjectOf({ subject, int8 }: Opened, setting: Setting): Subject {
  if (!setting.int8) return subject
  if (int8 !== undefined) return int8
  throw new TpError('TP_FILE_NOT_FOUND', 'benchmark', `${subject.name} has no file with 8-bit products`)
}

/** The same data for another file of the same model. */
export async function withFile(subject: Subject, path: string): Promise<Subject> {
  const file = await readFile(path)
  return { ...subject, file, model: decodeModel(file) }
}

/** Multiply-adds for all examples, one by one; where the data decide how many tokens stay, they are asked. */
export async function flopsOf(runtime: Runtime, opened: Opened, setting: Setting, prepared: Prepared): Promise<number> {
  const { model, lengths, inputs } = prepared
  try {
    return totalFlops(model, lengths)
  } catch (error) {
    if (!isTpError(error) || error.code !== 'TP_SIZES') throw error
    const { model: traced } = await prepare(opened, setting, { trace: true })
    await using session = await runtime.load(encodeModel(traced), { threads: 1 })
    return examplesFlops(model, lengths, await keptCounts(session, inputs, inputs.lengths === undefined ? 8 : 2))
  }
}
