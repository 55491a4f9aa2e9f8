import type { Dim } from '@tp/core/expression'
import { Graph, type Model } from '@tp/onnx'
import { findStatesInputs, type StatesInput } from '../analyze/states-inputs.ts'
import { requireOptions } from '../plan/require-options.ts'
import { Refused } from '../program/refusal.ts'
import { followStates } from '../prune/follow-states.ts'
import type { Condition, Subject, Transform } from './transform.ts'

export interface ReadAnyStatesOptions {
  /** How many states the dense encoder gives, for files that declare a free number and have one built in all the same. */
  readonly states?: number
}

export interface ReadAnyStatesReport extends Omit<AnyStates, 'model'> {
  readonly transform: 'readAnyStates'
}

/** A decoder that reads any number of its encoder's states. */
interface AnyStates {
  /** The model that was given, where nothing had to be repaired. */
  readonly model: Model
  /** How many states it read and no other number; absent where nothing was built in. */
  readonly builtIn?: number
  /** Inputs with a row for each state: the states, and keys and values that were made of them. */
  readonly inputs: readonly string[]
}

/**
 * Makes a decoder read any number of the states of its encoder: `encoder_hidden_states` float [b,n,D], and keys and values of
 * them [b,h,n,d] as a decoder with past takes them. Some exporters build the number in (1,500 of Whisper): in the shapes that
 * are declared, in those that values are reshaped to, and in masks that show all of them. Merged decoders are repaired in both
 * branches. The result gives the same answers bit for bit to as many states as before.
 *
 * Refused: TP_DECODER for what reads no states of an encoder; TP_POSITIONS where each state meets a number of its own, such as a position,
 * and the decoder does not know which one belongs to a kept state; what tokens cannot be followed through.
 * @example
 * const { model, reports: [{ builtIn }] } = transform(decoder, readAnyStates())
 */
export function readAnyStates(options: ReadAnyStatesOptions = {}): Transform<ReadAnyStatesReport> {
  requireOptions(options, ['states'])
  const { states } = options
  return {
    name: 'readAnyStates',
    requires: [readsStates],
    ensures: [],
    apply(subject) {
      const { model, ...facts } = freed(subject.model, subject.once(find), states)
      return { model, report: { transform: 'readAnyStates', ...facts } }
    },
  }
}

const find = ({ model }: Subject): StatesInput[] => findStatesInputs(model)

const readsStates: Condition = { name: 'reads the states of an encoder', check: (subject) => void subject.once(find) }

function freed(source: Model, found: readonly StatesInput[], states: number | undefined): AnyStates {
  const inputs = found.map(({ name }) => name)
  const declared = found.map(countOf).filter((count): count is number => typeof count === 'number')
  const count = declared[0] ?? states
  const other = declared.find((own) => own !== count)
  if (other !== undefined) {
    throw new Refused(
      'TP_DECODER',
      `its inputs ${inputs.join(', ')} have different numbers of states, ${count} and ${other}`,
    )
  }
  if (count === undefined) return { model: source, inputs }
  const { model, edits } = followStates(source, found, count)
  if (edits === 0 && declared.length === 0) return { model: source, inputs }
  declareAny(model, found)
  return { model, builtIn: count, inputs }
}

function countOf({ dims, axis }: StatesInput): Dim {
  return dims[axis] as Dim
}

/** Runtimes refuse other sizes than the declared ones. */
function declareAny(model: Model, found: readonly StatesInput[]): void {
  const graph = new Graph(model)
  for (const { name, dtype, dims, axis } of found) {
    const open = dims.map((dim, i) => (i === axis ? 'states' : dim === '?' ? undefined : dim))
    graph.setValueInfo(name, dtype, open)
  }
}
