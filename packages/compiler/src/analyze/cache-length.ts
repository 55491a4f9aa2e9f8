import { type Dim, namesIn } from '@tp/core/expression'
import type { NodeProto } from '@tp/onnx'
import { hasTrait } from '../operators/traits.ts'
import { type Program, readsShape } from '../program/program.ts'
import { Refused } from '../program/refusal.ts'
import type { Cache } from './caches.ts'

/**
 * Proves that the length of a cache which is going to be shorter means nothing but its own keys or values.
 * @throws Refused TP_POSITIONS where the length is read for anything else: the number of earlier tokens, most often
 */
export function requireLengthUnread(program: Program, cache: Cache): void {
  const reader = lengthReader(program, cache)
  if (reader === undefined) return
  const advice = 'export the decoder so that its first cache counts them, or its mask'
  throw countedByLength(`${cache.past}, a cache of kept tokens alone`, advice, reader)
}

/** The refusal of a decoder that would give new tokens other positions once caches are pruned. */
export function countedByLength(what: string, advice: string, node?: NodeProto): Refused {
  const reason = `positions are counted by the length of ${what}, so new tokens would get those of pruned ones`
  return new Refused('TP_POSITIONS', `${reason}; ${advice}`, node)
}

/** The node that makes something other than a size of the length of a cache; a shape of its own keys or values is allowed. */
function lengthReader(program: Program, { past }: Cache): NodeProto | undefined {
  const length = program.tensor(past).dims[2] as Dim
  const same = [past]
  const sizes: string[] = []
  for (const name of same) {
    for (const { node } of program.graph.consumers(name)) {
      if (readsShape(node)) sizes.push(node.output[0] as string)
      else if (hasTrait(node, 'same values')) same.push(node.output[0] as string)
    }
  }
  for (const name of sizes) {
    if (!mentions(program, name, length)) continue
    for (const { node, index } of program.graph.consumers(name)) {
      const [output = ''] = node.output
      if (program.tensor(output).value !== undefined) sizes.push(output)
      else if (!shapesOwn(program, node, index, past)) return node
    }
  }
  return undefined
}

/** False for sizes that are known to be others: the number of examples, or of heads. */
function mentions(program: Program, size: string, length: Dim): boolean {
  const { value } = program.tensor(size)
  const names = namesIn(length)
  return value === undefined || value.some((dim) => dim === length || [...namesIn(dim)].some((name) => names.has(name)))
}

function shapesOwn(program: Program, { opType, input }: NodeProto, index: number, past: string): boolean {
  const isShape = index === 1 && (opType === 'Reshape' || opType === 'Expand')
  return isShape && program.before(input[0] as string).has(past)
}
