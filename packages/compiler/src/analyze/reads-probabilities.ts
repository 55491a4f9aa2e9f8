import { type Amount, input, isTpError, type Method, type Tensor, type Values } from '@tp/core'
import type { Dim } from '@tp/core/expression'
import { initialState, paramsAt, reduceTokens, type SiteSource } from '@tp/core/host'

const HALF: Amount = { kind: 'ratio', value: 0.5 }

/**
 * Whether a method reads the attention probabilities of the layer it acts on: an operator that hides them is written out
 * there, and stays whole under all other methods. Found by tracing the method where half of the tokens are pruned.
 */
export function readsProbabilities(method: Method): boolean {
  const layer = 1
  let reads = false
  const value = (name: string, ...dims: Dim[]): Tensor => input(name, 'float32', dims)
  const hidden = value('hidden', 'B', 'N', 'D')
  const source: SiteSource = {
    layer,
    layerCount: 4,
    hidden,
    query: () => value('query', 'B', 'H', 'N', 'Dh'),
    key: () => value('key', 'B', 'H', 'N', 'Dh'),
    value: () => value('value', 'B', 'H', 'N', 'Dh'),
    attention() {
      reads = true
      return value('attention', 'B', 'H', 'N', 'N')
    },
    attentionFrom: (rows) => value('rows', 'B', 'H', typeof rows === 'number' ? 1 : (rows.dims[1] as Dim), 'N'),
    classToken: () => 0,
  }
  const params: Values = Object.fromEntries(
    Object.entries(paramsAt(method, layer)).map(([name, { dims }]) => [name, value(name, ...dims)]),
  )
  const state = initialState(hidden, input('mask', 'bool', ['B', 'N']), [0])
  try {
    reduceTokens({ method, source, state, amount: HALF, params })
  } catch (error) {
    // A method that takes another kind of amount says so after it has looked.
    if (!isTpError(error)) throw error
  }
  return reads
}
