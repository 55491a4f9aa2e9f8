import { Graph, type Model, opset } from '@tp/onnx'
import { requireFloatCaches } from '../analyze/decoder.ts'
import { chooseEncoders, type FoundEncoder } from '../analyze/find-encoders.ts'
import type { Activations } from '../plan/quantize-options.ts'
import { readImageTokens } from '../program/image-tokens.ts'
import { readLeftOut } from '../program/left-out.ts'
import { isPacked, requireUnpacked } from '../program/packed-mark.ts'
import { readProvenance, stepsOf } from '../program/provenance.ts'
import { readPrunedPrompt } from '../program/pruned-prompt.ts'
import { Refused } from '../program/refusal.ts'
import { isQuantized, refuseQuantized } from '../quantize/quantized-nodes.ts'
import { roundsByBatch } from '../quantize/rounds-by-batch.ts'
import { decoderOf, encodersOf } from './analysis.ts'
import type { Condition, Subject } from './transform.ts'

/** Every other transform is for the file that was packed. */
export const isUnpacked: Condition = { name: 'is not packed', check: ({ model }) => requireUnpacked(model) }

/**
 * @param encoder the name of the one that is meant
 * @param find where not all of the model is looked at
 */
export function hasEncoder(
  encoder: string | undefined,
  find: (subject: Subject) => readonly FoundEncoder[] = encodersOf,
): Condition {
  return {
    name: `has an encoder that can be pruned${encoder === undefined ? '' : ` named ${encoder}`}`,
    check: (subject) => void chooseEncoders(find(subject), encoder),
  }
}

export const isDecoder: Condition = {
  name: 'is a decoder with caches',
  check: (subject) => void decoderOf(subject),
}

export const hasFloatCaches: Condition = {
  name: 'has no caches of 8 bits',
  check: (subject) => requireFloatCaches(decoderOf(subject).layers),
}

/** @param encoder the name of the one that is meant; default: the only one that can be pruned */
export function hasAllTokens(encoder: string | undefined): Condition {
  return {
    name: 'has neither tokens pruned nor dead tokens eliminated',
    check(subject) {
      const [{ name }] = chooseEncoders(encodersOf(subject), encoder)
      const steps = stepsOf(subject.model, name)
      if (steps.length === 0) return
      const isCut = steps.some(({ cuts }) => cuts.length > 0)
      const reason = isCut ? 'tokens are pruned already' : 'dead tokens are eliminated already'
      throw new Refused('TP_PRUNED', `${reason}; leave layers out of the file that it was made from`)
    },
  }
}

/** More could not be pruned: the weights would count as they did. */
export const hasNoWeights: Condition = {
  name: 'has no states that say how much each counts',
  check({ model }) {
    if (readProvenance(model).every(({ weighed }) => weighed === undefined)) return
    const reason =
      'its states say how many tokens each stands for already, and would count what is pruned now as it was'
    throw new Refused('TP_PRUNED', `${reason}; prune the file it was made from`)
  },
}

export const hasWholePrompt: Condition = {
  name: 'has no pruned prompt',
  check({ model }) {
    const before = readPrunedPrompt(model)
    if (before === undefined) return
    const reason = `the prompt is pruned after layer ${before.layer} already, by ${before.method}`
    throw new Refused('TP_PRUNED', `${reason}; work on the file that it was made from`)
  },
}

/** @param activations how they are to be rounded */
export function canBeQuantized(activations: Activations): Condition {
  const byToken = activations === 'token'
  return {
    name: `has no operator of 8 bits${byToken ? ', or rounds activations by the range of a batch' : ''}`,
    check({ model }) {
      const byBatch = roundsByBatch(model)
      if (!(byToken && byBatch)) refuseQuantized(model, byBatch)
    },
  }
}

/** @param what requires it */
export function hasOpset(least: number, what: string): Condition {
  return {
    name: `has opset ${least} or later`,
    check({ model }) {
      const own = opset(model)
      if (own >= least) return
      throw new Refused(
        'TP_OPSET',
        `${what} require opset ${least} and the file has ${own}; export it with a newer one`,
      )
    },
  }
}

export const saysWhatIsLeftOut: Condition = recorded(
  'has a record of the layers that were left out',
  (model) => readLeftOut(model).length > 0,
)

export const saysWhatIsPruned: Condition = recorded(
  'has a record of the pruning',
  (model) => readProvenance(model).length > 0,
)

export const hasPrunedPrompt: Condition = recorded(
  'has a pruned prompt',
  (model) => readPrunedPrompt(model) !== undefined,
)

export const saysItsImageTokens: Condition = recorded(
  'has a record of its image tokens',
  (model) => readImageTokens(model) !== undefined,
)

export const isInEightBits: Condition = recorded('has operators of 8 bits', isQuantized)

export const isPackedNow: Condition = recorded('is packed', isPacked)

export const hasEightBitCaches: Condition = recorded('has caches of 8 bits, with their scales', (model) => {
  const { inputs } = new Graph(model)
  const names = new Set(inputs.map(({ name }) => name))
  return inputs.some(({ name, type }) => type === 'int8' && names.has(`${name}_scale`))
})

/** @param output its name; default: any */
export function hasOneRow(output?: string): Condition {
  return recorded(`has one row of ${output ?? 'an output'} for each example`, (model) =>
    new Graph(model).outputs.some(({ name, dims }) => (output ?? name) === name && dims?.length === 3 && dims[1] === 1),
  )
}

/** A condition that a result shows, for what a transform ensures. */
function recorded(name: string, holds: (model: Model) => boolean): Condition {
  return {
    name,
    check({ model }) {
      if (!holds(model)) throw new Refused('TP_TRANSFORM', `a model that ${name} is required, and this one is not`)
    },
  }
}
