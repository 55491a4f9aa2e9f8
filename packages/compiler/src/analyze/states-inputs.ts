import type { DType } from '@tp/core'
import { capturedNames, Graph, type Model } from '@tp/onnx'
import { bodiesOf } from '../program/body.ts'
import { Program } from '../program/program.ts'
import { Refused } from '../program/refusal.ts'
import { findCaches } from './caches.ts'

/** An input of a decoder that has an entry for each state of its encoder. */
export interface StatesInput {
  readonly name: string
  readonly dtype: DType
  /** As the file declares it: `?` for a size without number or name. */
  readonly dims: readonly (number | string)[]
  /** Of the states. */
  readonly axis: number
}

/**
 * The states [b,n,D] that a decoder reads, and keys and values of them [b,h,n,d]: caches that nothing is joined to.
 * @throws Refused TP_DECODER if there are none
 */
export function findStatesInputs(model: Model): StatesInput[] {
  const { inputs, nodes } = new Graph(model)
  const floats = inputs.filter(({ type }) => type.startsWith('float'))
  const hasTokens = inputs.some(({ type, dims }) => type.startsWith('int') && dims?.length === 2)
  const masks = inputs.filter(({ name, dims }) => name === MASK && dims?.length === 2)
  const own = new Set(
    [model, ...nodes.flatMap((node) => bodiesOf(model, node).map(({ model: body }) => body))].flatMap((each) =>
      findCaches(new Program(each)).map(({ past }) => past),
    ),
  )
  const read = new Set(nodes.flatMap((node) => [...node.input, ...capturedNames(node)]))
  const found = floats.flatMap(({ name, type, dims }): StatesInput[] => {
    if (dims === undefined || !read.has(name) || own.has(name)) return []
    const isStates = dims.length === 3 && hasTokens && floats.filter((other) => other.dims?.length === 3).length === 1
    const isNamed = dims.length === 3 && name === STATES
    const axis = isStates || isNamed ? 1 : dims.length === 4 ? 2 : undefined
    return axis === undefined ? [] : [{ name, dtype: type as DType, dims, axis }]
  })
  if (found.length > 0)
    return [...found, ...masks.map(({ name, type, dims = [] }) => ({ name, dtype: type as DType, dims, axis: 1 }))]
  const seen = inputs.map(({ name }) => name).join(', ')
  throw new Refused('TP_DECODER', `it has no input with states of an encoder [batch, states, size], only ${seen}`)
}

/** As optimum and transformers.js call them. */
const STATES = 'encoder_hidden_states'
const MASK = 'encoder_attention_mask'
