import type { TrainSettings, Trains } from '@tp/train'
import type { Arguments } from '../command/arguments.ts'
import { usageError } from '../command/usage-error.ts'
import { number, wholeNumber } from '../pruning/numbers.ts'

/** How a model learns. */
export const learningOptions = {
  train: {
    type: 'string',
    value: 'all|vectors',
    description: 'weights that learn: all but embeddings (default), or scales and biases',
  },
  epochs: { type: 'string', value: 'N', description: 'times that every example is seen; default 3' },
  'batch-size': { type: 'string', value: 'N', description: 'examples a step; default 16' },
  'learning-rate': { type: 'string', value: 'R', description: 'at its highest; default 0.00002' },
  distillation: {
    type: 'string',
    value: 'S',
    description: "share of the dense model's answers in the loss; default 0.5",
  },
  seed: { type: 'string', value: 'N', description: 'decides the order of the examples; default 0' },
} as const

const trains: Readonly<Record<string, Trains | undefined>> = { all: undefined, vectors: (_, dims) => dims.length === 1 }

/** The options above, read; what is out of range is for `train` to say. @throws TpError TP_USAGE */
export function readLearning(options: Arguments<typeof learningOptions>): TrainSettings & { readonly trains?: Trains } {
  const { train = 'all', epochs, distillation, seed } = options
  const { 'batch-size': batchSize, 'learning-rate': learningRate } = options
  if (!Object.hasOwn(trains, train)) throw usageError(`--train is "${train}"; it must be all or vectors`)
  const chosen = trains[train]
  return {
    ...(chosen && { trains: chosen }),
    ...(epochs !== undefined && { epochs: number('epochs', epochs) }),
    ...(batchSize !== undefined && { batchSize: wholeNumber('batch-size', batchSize) }),
    ...(learningRate !== undefined && { learningRate: number('learning-rate', learningRate) }),
    ...(distillation !== undefined && { distillation: number('distillation', distillation) }),
    ...(seed !== undefined && { seed: wholeNumber('seed', seed, 0) }),
  }
}
