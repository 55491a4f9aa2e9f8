import { defaults, settingsOf, type TrainablePart, type TrainMethodOptions, trainableParts } from '@tp/train'
import { type Arguments, type Flag, flag, type TextOption, text } from './option.ts'
import { settingName } from './through.ts'
import { usageError } from './usage-error.ts'

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

interface NumberOption extends TextOption {
  readonly is: 'number'
}

type SettingOptions = Readonly<Record<Exclude<Setting, 'decay'>, NumberOption> & { decay: TextOption }>

/** Those settings, each given through `--set`. */
export const settingOptions: SettingOptions = Object.fromEntries(
  Object.entries(meanings).map(([name, meaning]) => {
    const preset = defaults[settingName(name) as keyof typeof defaults]
    const description = preset === undefined ? meaning : `${meaning}; default ${preset}`
    const form = name === 'decay' ? {} : { is: 'number' as const }
    return [name, text(name === 'decay' ? 'WORD' : 'X', description, { through: 'set', ...form })]
  }),
) as unknown as SettingOptions

type LearningOptions = Readonly<{
  train: TextOption & { readonly is: 'word'; readonly words: readonly TrainablePart[] }
  'target-flops': NumberOption
  'weights-out': TextOption
  quantize: Flag
}>

/** How a model learns. */
export const learningOptions: LearningOptions = {
  train: text(
    trainableParts.join('|'),
    'weights to train: all but embeddings (default), scales and biases, those after the last layer, or only the method’s values',
    { is: 'word', words: trainableParts },
  ),
  'target-flops': text('F', 'share of the FLOPs for a method that learns; not exceeded on --selection', {
    is: 'number',
  }),
  'weights-out': text('FILE', 'write the values that such a method has learned (safetensors, for tp prune --weights)', {
    writes: 'file',
  }),
  quantize: flag(
    'store the result in 8 bits, as tp quantize does; on x86 without VNNI in 7, which is exact everywhere',
  ),
}

export interface Learning extends Pick<TrainMethodOptions, 'settings' | 'hardEpochs'> {
  readonly part: TrainablePart
  readonly targetFlops: number | undefined
  /** Options that mean nothing without a method that learns. */
  readonly ofMethod: readonly string[]
}

/** The options above, read. @throws TpError TP_USAGE, TP_OPTION */
export function readLearning(args: Arguments<LearningOptions & SettingOptions>): Learning {
  const { train = 'all', 'target-flops': targetFlops } = args
  const names = (Object.keys(meanings) as Setting[]).filter((name) => args[name] !== undefined)
  const { hardEpochs, ...settings } = Object.fromEntries(names.map((name) => [settingName(name), args[name]])) as {
    readonly hardEpochs?: number
  }
  if (hardEpochs !== undefined && hardEpochs < 0)
    throw usageError(`--hard-epochs is ${hardEpochs}; it must be a number from 0`)
  settingsOf(settings)
  return {
    ...{ part: train, settings, targetFlops },
    ...(hardEpochs !== undefined && { hardEpochs }),
    ofMethod: ['target-flops', 'weights-out', ...ofMethods].filter((name) => Object.hasOwn(args, name)),
  }
}
