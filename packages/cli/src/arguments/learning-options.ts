import { defaults, settingsOf, type TrainablePart, type TrainMethodOptions, trainableParts } from '@tp/train'
import type { Arguments, FlagSpec } from './arguments.ts'
import { settingName } from './through.ts'
import { usageError } from './usage-error.ts'
import { number } from './values.ts'

/** Settings of a training, and of methods that learn, by option. */
const meanings = {
  epochs: 'passes over the examples',
  'batch-size': 'examples a step',
  'learning-rate': 'peak learning rate',
  'warm-up': 'share of the steps in which the learning rate rises',
  decay: 'decay of the learning rate after that, linear or cosine',
  'weight-decay': 'weight decay of matrices',
  distillation: "share of the dense model's answers in the loss, all of it without labels",
  temperature: 'temperature of these answers',
  evaluations: 'number of evaluations on the selection',
  seed: 'seed of the order of the examples',
  'hard-epochs': 'epochs of fine-tuning after a method has learned; 0: none; default: as epochs',
  'method-rate': 'learning rate of a method that learns',
  'cost-weight': 'weight of the squared distance from --target-flops in its loss',
  regulariser: "weight of such a method's own pressure on tokens, without --target-flops",
} as const
type Setting = keyof typeof meanings

/** Settings that mean nothing without a method that learns. */
const ofMethods: readonly string[] = ['hard-epochs', 'method-rate', 'cost-weight', 'regulariser'] satisfies Setting[]

type SettingOptions = Readonly<Record<Setting, FlagSpec & { readonly type: 'string' }>>

/** Those settings, each given through `--set`. */
export const settingOptions: SettingOptions = Object.fromEntries(
  Object.entries(meanings).map(([name, meaning]) => {
    const preset = defaults[settingName(name) as keyof typeof defaults]
    const description = preset === undefined ? meaning : `${meaning}; default ${preset}`
    return [name, { type: 'string', value: name === 'decay' ? 'WORD' : 'X', description, through: 'set' }]
  }),
) as unknown as SettingOptions

/** How a model learns. */
export const learningOptions = {
  train: {
    type: 'string',
    value: 'all|vectors|head|method',
    description:
      'weights to train: all but embeddings (default), scales and biases, those after the last layer, or only the method’s values',
  },
  'target-flops': {
    type: 'string',
    value: 'F',
    description: 'for a method that learns: the target share of the FLOPs, not exceeded on --selection',
  },
  'weights-out': {
    type: 'string',
    value: 'FILE',
    description: 'the same: write the learned values (safetensors, for tp prune --weights)',
  },
  quantize: {
    type: 'boolean',
    description:
      'store the trained model in 8 bits, as tp quantize does; on x86 without VNNI in 7, which is exact everywhere',
  },
} as const

export interface Learning extends Pick<TrainMethodOptions, 'settings' | 'hardEpochs'> {
  readonly part: TrainablePart
  readonly targetFlops: number | undefined
  /** Options that mean nothing without a method that learns. */
  readonly ofMethod: readonly string[]
}

/** The options above, read. @throws TpError TP_USAGE, TP_OPTION */
export function readLearning(args: Arguments<typeof learningOptions & SettingOptions>): Learning {
  const { train = 'all', 'target-flops': target } = args
  if (!isPart(train)) throw usageError(`--train is "${train}"; it must be all, vectors, head or method`)
  const names = (Object.keys(meanings) as Setting[]).filter((name) => args[name] !== undefined)
  const read = (name: Setting): number | string =>
    name === 'decay' ? (args[name] as string) : number(name, args[name] as string)
  const { hardEpochs, ...settings } = Object.fromEntries(names.map((name) => [settingName(name), read(name)])) as {
    readonly hardEpochs?: number
  }
  if (hardEpochs !== undefined && hardEpochs < 0)
    throw usageError(`--hard-epochs is ${hardEpochs}; it must be a number from 0`)
  settingsOf(settings)
  return {
    ...{ part: train, settings },
    targetFlops: target === undefined ? undefined : number('target-flops', target),
    ...(hardEpochs !== undefined && { hardEpochs }),
    ofMethod: ['target-flops', 'weights-out', ...ofMethods].filter((name) => Object.hasOwn(args, name)),
  }
}

function isPart(text: string): text is TrainablePart {
  return (trainableParts as readonly string[]).includes(text)
}
