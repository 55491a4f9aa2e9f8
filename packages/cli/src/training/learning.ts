import { defaults, settingsOf, type TrainablePart, type TrainMethodOptions, trainableParts } from '@tp/train'
import type { Arguments } from '../command/arguments.ts'
import { didYouMean } from '../command/did-you-mean.ts'
import { usageError } from '../command/usage-error.ts'
import { number } from '../command/values.ts'

/** How a model learns. */
export const learningOptions = {
  train: {
    type: 'string',
    value: 'all|vectors|head|method',
    description:
      'weights that learn: all but embeddings (default), scales and biases, those after the last layer, or only the method’s values',
  },
  set: {
    type: 'string',
    multiple: true,
    value: 'NAME=VALUE',
    description:
      "a setting, such as epochs=3, batchSize=16, learningRate=0.00002, distillation=0.5 (share of the dense model's answers in the loss), seed=0; for a method that learns hardEpochs (of fine-tuning), methodRate=0.001, costWeight=10, regulariser=0.1",
  },
  'target-flops': {
    type: 'string',
    value: 'F',
    description: 'a method that learns: the share of the FLOPs that is aimed at, and not exceeded on --selection',
  },
  'weights-out': {
    type: 'string',
    value: 'FILE',
    description: 'the same: write what it has learned (safetensors, as tp prune --weights reads it)',
  },
  quantize: {
    type: 'boolean',
    description:
      'store what was trained in 8 bits, as tp quantize does; on x86 without VNNI in 7, which is exact everywhere',
  },
} as const

/** Settings of fine-tuning alone, and those of methods that learn. */
const ofMethods = ['hardEpochs', 'methodRate', 'costWeight', 'regulariser'] as const
const names: readonly string[] = [...Object.keys(defaults).filter((name) => name !== 'answer'), 'hardEpochs']

export interface Learning extends Pick<TrainMethodOptions, 'settings' | 'hardEpochs'> {
  readonly part: TrainablePart
  readonly targetFlops: number | undefined
  /** Options that mean nothing without a method that learns. */
  readonly ofMethod: readonly string[]
}

/** The options above, read. @throws TpError TP_USAGE, TP_OPTION */
export function readLearning(options: Arguments<typeof learningOptions>): Learning {
  const { train = 'all', set = [], 'target-flops': target, 'weights-out': weights } = options
  if (!isPart(train)) throw usageError(`--train is "${train}"; it must be all, vectors, head or method`)
  const settings = new Map<string, number | string>()
  for (const text of set) {
    const [, name = '', value = ''] = /^([^=]+)=(.+)$/s.exec(text) ?? []
    if (name === '') throw usageError(`--set is "${text}"; it must be NAME=VALUE`)
    if (!names.includes(name)) {
      const meant = didYouMean(name, names)
      throw usageError(
        `--set ${name}: there is no such setting${meant === '' ? `; there are ${names.join(', ')}` : meant}`,
      )
    }
    if (settings.has(name)) throw usageError(`--set ${name} is given twice; give it once`)
    settings.set(name, name === 'decay' ? value : number(`set ${name}`, value))
  }
  const { hardEpochs, ...others } = Object.fromEntries(settings) as { readonly hardEpochs?: number }
  if (hardEpochs !== undefined && hardEpochs < 0)
    throw usageError(`--set hardEpochs is ${hardEpochs}; it must be a number from 0`)
  settingsOf(others)
  return {
    ...{
      part: train,
      settings: others,
      targetFlops: target === undefined ? undefined : number('target-flops', target),
    },
    ...(hardEpochs !== undefined && { hardEpochs }),
    ofMethod: [
      ...(target === undefined ? [] : ['--target-flops']),
      ...(weights === undefined ? [] : ['--weights-out']),
      ...ofMethods.filter((name) => settings.has(name)).map((name) => `--set ${name}`),
    ],
  }
}

function isPart(text: string): text is TrainablePart {
  return (trainableParts as readonly string[]).includes(text)
}
