import { TpError } from '@tp/core'
import { Graph, type Model } from '@tp/onnx'
import { findStatesInputs, type StatesInput } from '../analyze/states-inputs.ts'
import { findStatesNorm, type StatesNorm } from '../analyze/states-norm.ts'
import { openModel } from '../normalize/open.ts'
import { requireOptions } from '../plan/require-options.ts'
import { readProvenance } from '../program/provenance.ts'
import { Refused } from '../program/refusal.ts'
import { addWeighing, readsWeights } from '../program/weighed.ts'
import { weighAttentions } from '../prune/weigh-states.ts'
import { isUnpacked } from './conditions.ts'
import type { Condition, Subject, Transform } from './transform.ts'

export interface WeighStatesOptions {
  /** The encoder whose states the decoder reads: the dense one, or the one that `prune` made of it with `restore: 'weighed'`. */
  readonly encoder: Model
}

export interface WeighStatesReport {
  readonly transform: 'weighStates'
  /** The channel of the states that says how much each of them counts. */
  readonly channel: number
  /** How the states come about: γ·z + β by channel, where the numbers z of each state sum to zero. */
  readonly norm: StatesNorm
  /** How many attentions to states weigh them, in all branches together. */
  readonly attentions: number
  /** The states are an input that the file did not have: one with past reads keys and values of them alone. */
  readonly declared: boolean
}

/**
 * Makes a decoder weigh each state of its encoder by what one channel of it says, as the encoder weighs its tokens: after `prune` with
 * `restore: 'weighed'` a kept row counts for as many positions as it stands for, and a row of padding for none. The channel is the one with the least
 * weight in the last LayerNorm; its own content follows from the others, and the decoder computes it. No input, axis or cache changes its shape; a decoder
 * with past declares `encoder_hidden_states`, too. Merged decoders are changed in both branches; weights in 8 bits remain as they are.
 *
 * With the encoder it was made for (weights of 0 included) the decoder gives the same answers as before to states that are repeated.
 *
 * Refused: TP_STATES for an encoder whose states are not those of a LayerNorm; TP_DECODER for what reads no states, or where not all attentions to them are
 * found; TP_WEIGHED for a decoder that weighs them already.
 * @example
 * const { model: thinned } = transform(encoder, prune({ method: thinPadding(), schedule: schedule(6, { layers: [0], keep: 1 }), restore: 'weighed' }))
 * const { model } = transform(decoder, readAnyStates(), weighStates({ encoder }))
 */
export function weighStates(options: WeighStatesOptions): Transform<WeighStatesReport> {
  const { encoder } = requireOptions(options, ['encoder'])
  requireEncoder(encoder)
  const norm = (): StatesNorm => normOf(encoder)
  return {
    name: 'weighStates',
    requires: [isUnpacked, readsStates, doesNotWeigh],
    ensures: [weighs],
    apply(subject) {
      const own = norm()
      const found = subject.once(find)
      const states = statesOf(subject.model, found, own)
      const caches = found.filter(({ dims }) => dims.length === 4)
      const { model, attentions } = weighAttentions(subject.model, states, caches, own)
      addWeighing(model, own.channel)
      const declared = !found.includes(states)
      return { model, report: { transform: 'weighStates', channel: own.channel, norm: own, attentions, declared } }
    },
  }
}

const find = ({ model }: Subject): StatesInput[] => findStatesInputs(model)

const readsStates: Condition = { name: 'reads the states of an encoder', check: (subject) => void subject.once(find) }

const doesNotWeigh: Condition = {
  name: 'does not weigh states',
  check({ model }) {
    if (readsWeights(model) === undefined) return
    throw new Refused('TP_WEIGHED', 'the decoder weighs states already; change the file that it was made from')
  },
}

const weighs: Condition = {
  name: 'weighs states',
  check({ model }) {
    if (readsWeights(model) === undefined) throw new Refused('TP_TRANSFORM', 'the decoder does not weigh states')
  },
}

function requireEncoder(value: unknown): asserts value is Model {
  const isModel = typeof value === 'object' && value !== null && 'proto' in value
  if (isModel) return
  const advice = 'give the model that gives the states, as decodeModel returns it'
  throw new TpError('TP_OPTION', 'compiler', `encoder is not a model; ${advice}`)
}

/** The norm of the states that an encoder gives, dense or pruned. @throws Refused TP_STATES */
function normOf(model: Model): StatesNorm {
  const { program } = openModel(model)
  const record = readProvenance(model).findLast(({ weighed }) => weighed !== undefined)?.weighed
  if (record !== undefined) return findStatesNorm(program, record.states)
  const outputs = program.graph.outputs.filter(({ name, type }) => {
    const { hasShape, rank } = program.tensor(name)
    return type.startsWith('float') && hasShape && rank === 3
  })
  const [states] = outputs.length === 1 ? outputs : outputs.filter(({ name }) => name === OUTPUT)
  if (states !== undefined) return findStatesNorm(program, states.name)
  const seen = program.graph.outputs.map(({ name }) => name).join(', ')
  throw new Refused('TP_STATES', `which output of the encoder has the states is not clear, among ${seen}`)
}

/** As optimum and transformers.js call them. */
const OUTPUT = 'last_hidden_state'
const INPUT = 'encoder_hidden_states'

/** The input with the states, or what is to be declared of it. @throws Refused TP_STATES for states of another size */
function statesOf(model: Model, found: readonly StatesInput[], { scale }: StatesNorm): StatesInput {
  const states = found.find(({ dims }) => dims.length === 3)
  if (states === undefined) {
    const { dtype, dims: [batch = '?', , count = '?'] = [] } = found.find(({ dims }) => dims.length === 4) ?? {}
    if (new Graph(model).has(INPUT)) throw new Refused('TP_NAME', `the name ${INPUT} is taken by another value`)
    return { name: INPUT, dtype: dtype ?? 'float32', dims: [batch, count, scale.length], axis: 1 }
  }
  const size = states.dims[2]
  if (size === scale.length || typeof size !== 'number') return states
  const reason = `the decoder reads states of ${size} channels, and the encoder gives ${scale.length}`
  throw new Refused('TP_STATES', `${reason}; give the encoder of this decoder`)
}
