import { headWeights } from '@tp/compiler'
import type { TrainSettings, Trains } from '@tp/train'
import type { Arguments } from '../command/arguments.ts'
import { usageError } from '../command/usage-error.ts'
import { number, wholeNumber } from '../command/values.ts'
import type { ModelFile } from '../model/model-file.ts'
import { RefusalError } from '../model/refusal-error.ts'

/** How a model learns. */
export const learningOptions = {
  train: {
    type: 'string',
    value: 'all|vectors|head|method',
    description:
      'weights that learn: all but embeddings (default), scales and biases, those after the last layer, or only the method’s values',
  },
  epochs: { type: 'string', value: 'N', is: 'positive', description: 'times that every example is seen; default 3' },
  'batch-size': { type: 'string', value: 'N', is: 'whole number', description: 'examples a step; default 16' },
  'learning-rate': { type: 'string', value: 'R', is: 'positive', description: 'at its highest; default 0.00002' },
  distillation: {
    type: 'string',
    value: 'S',
    description: "share of the dense model's answers in the loss, all of it without labels; default 0.5",
  },
  seed: { type: 'string', value: 'N', description: 'decides the order of the examples; default 0' },
} as const

/** Options for methods that learn where to prune. */
export const methodLearningOptions = {
  'target-flops': {
    type: 'string',
    value: 'F',
    description: 'a method that learns: the share of the FLOPs that is aimed at, and not exceeded on --selection',
  },
  'hard-epochs': {
    type: 'string',
    value: 'N',
    description: 'the same: epochs of fine-tuning; default: as --epochs; 0: none',
  },
  'method-rate': { type: 'string', value: 'R', description: 'the same: its own learning rate; default 0.001' },
  'cost-weight': {
    type: 'string',
    value: 'W',
    description: 'the same: weight of the squared distance from --target-flops in the loss; default 10',
  },
  regulariser: {
    type: 'string',
    value: 'W',
    description: "the same: weight of the method's own pressure on tokens, without --target-flops; default 0.1",
  },
  'weights-out': {
    type: 'string',
    value: 'FILE',
    description: 'the same: write what it has learned (safetensors, as tp prune --weights reads it)',
  },
} as const

const choices = ['all', 'vectors', 'head', 'method'] as const
type TrainChoice = (typeof choices)[number]

export interface Learning extends TrainSettings {
  /** Which weights of the model learn. */
  readonly train: TrainChoice
}

/** The options above, read; what is out of range is for `train` to say. @throws TpError TP_USAGE */
export function readLearning(options: Arguments<typeof learningOptions>): Learning {
  const { train = 'all', epochs, distillation, seed } = options
  const { 'batch-size': batchSize, 'learning-rate': learningRate } = options
  if (!isChoice(train)) throw usageError(`--train is "${train}"; it must be all, vectors, head or method`)
  return {
    train,
    ...(epochs !== undefined && { epochs: number('epochs', epochs) }),
    ...(batchSize !== undefined && { batchSize: wholeNumber('batch-size', batchSize) }),
    ...(learningRate !== undefined && { learningRate: number('learning-rate', learningRate) }),
    ...(distillation !== undefined && { distillation: number('distillation', distillation) }),
    ...(seed !== undefined && { seed: wholeNumber('seed', seed, 0) }),
  }
}

export interface MethodLearning extends TrainSettings {
  readonly targetFlops?: number
  readonly hardEpochs?: number
}

/** @throws TpError TP_USAGE */
export function readMethodLearning(options: Arguments<typeof methodLearningOptions>): MethodLearning {
  const read = (name: keyof typeof methodLearningOptions): number | undefined => {
    const text = options[name]
    return text === undefined ? undefined : number(name, text)
  }
  const [targetFlops, hardEpochs] = [read('target-flops'), read('hard-epochs')]
  const [methodRate, costWeight, regulariser] = [read('method-rate'), read('cost-weight'), read('regulariser')]
  if (hardEpochs !== undefined && hardEpochs < 0) {
    throw usageError(`--hard-epochs is ${hardEpochs}; it must be a number from 0`)
  }
  return {
    ...(targetFlops !== undefined && { targetFlops }),
    ...(hardEpochs !== undefined && { hardEpochs }),
    ...(methodRate !== undefined && { methodRate }),
    ...(costWeight !== undefined && { costWeight }),
    ...(regulariser !== undefined && { regulariser }),
  }
}

/** @throws RefusalError where the head of the model is not found */
export function trainsOf(choice: TrainChoice, file: ModelFile, encoder: string | undefined): Trains | undefined {
  switch (choice) {
    case 'all':
      return undefined
    case 'vectors':
      return (_, dims) => dims.length === 1
    case 'method':
      return () => false
    case 'head': {
      const head = headWeights(file.model, encoder === undefined ? {} : { encoder })
      if (!head.ok) throw new RefusalError(file.path, head.refusal)
      return (name) => head.names.has(name)
    }
  }
}

function isChoice(text: string): text is TrainChoice {
  return (choices as readonly string[]).includes(text)
}
