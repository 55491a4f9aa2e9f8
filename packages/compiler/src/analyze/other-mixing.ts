import type { NodeProto } from '@tp/onnx'
import { hasTrait } from '../operators/traits.ts'
import type { Program } from '../program/program.ts'
import { nameOf, Refused } from '../program/refusal.ts'

/** So many steps from a state to the next one make a recurrence. */
const STEPS = 4

/**
 * A sum that makes a state from the one before it, a·h + b, several steps into a loop over the tokens that the exporter has written out. Neither
 * a nor b comes from h: in a network of layers they would.
 */
export function findRecurrence(program: Program): NodeProto | undefined {
  const steps = new Map<string, number>()
  for (const node of program.graph.nodes) {
    if (!hasTrait(node, 'sum')) continue
    const before = stateBefore(program, node)
    const count = before === undefined ? 0 : (steps.get(before) ?? 0) + 1
    if (count === STEPS) return node
    steps.set(node.output[0] as string, count)
  }
  return undefined
}

/** The state h of a sum a·h + b: another sum. */
function stateBefore(program: Program, { input }: NodeProto): string | undefined {
  for (const [i, scaled] of input.entries()) {
    const product = program.graph.producer(scaled)
    const added = input[1 - i]
    if (product === undefined || added === undefined || !hasTrait(product, 'factor')) continue
    for (const [k, state] of product.input.entries()) {
      const [factor, sum] = [product.input[1 - k], castSum(program, state)]
      if (factor === undefined || sum === undefined || !program.dependsOnInputs(factor)) continue
      if (![added, factor].some((name) => program.before(name).has(sum))) return sum
    }
  }
  return undefined
}

/** The sum that a value is, maybe cast. */
function castSum(program: Program, name: string): string | undefined {
  const node = program.graph.producer(name)
  if (node === undefined) return undefined
  if (hasTrait(node, 'sum')) return name
  return hasTrait(node, 'same values') ? castSum(program, node.input[0] as string) : undefined
}

/** The refusal of tokens that attend inside blocks and to those next to them: keys are slices of one padded value, joined again (LongT5). */
export function joinedNeighbors(program: Program): Refused | undefined {
  const { graph } = program
  const join = graph.nodes.find((node) => {
    if (node.opType !== 'Concat' || node.input.length < 3) return false
    const slices = node.input.map((name) => graph.producer(name))
    const [source] = slices[0]?.input ?? []
    if (source === undefined || graph.producer(source)?.opType !== 'Pad' || !program.dependsOnInputs(source))
      return false
    return slices.every((slice) => slice?.opType === 'Slice' && slice.input[0] === source)
  })
  if (join === undefined) return undefined
  const reason = `tokens attend inside blocks that are cut by position and to the blocks next to them: "${nameOf(join)}" joins ${join.input.length} neighboring blocks`
  return new Refused('TP_WINDOW_ATTENTION', `${reason}, so pruning a token would change every block`, join)
}

/** The refusal of tokens that attend inside chunks of their own, whose contexts are joined again upstream of a value (CANINE). */
export function joinedChunks(program: Program, value: string): Refused | undefined {
  const { graph } = program
  const upstream = program.before(value)
  const softmaxes = graph.nodes.flatMap((node) =>
    hasTrait(node, 'softmax') && upstream.has(node.output[0] as string) ? (node.output[0] as string) : [],
  )
  if (softmaxes.length < 2) return undefined
  const join = graph.nodes.find((node) => {
    if (node.opType !== 'Concat' || node.input.length < 2 || !upstream.has(node.output[0] as string)) return false
    const own = node.input.map((part) => {
      const before = program.before(part)
      return softmaxes.filter((name) => before.has(name))
    })
    return own.every((names) => names.length > 0) && new Set(own.map((names) => names.join('\n'))).size === own.length
  })
  if (join === undefined) return undefined
  const reason = `tokens attend inside ${join.input.length} chunks that are cut by position, which "${nameOf(join)}" joins`
  return new Refused('TP_WINDOW_ATTENTION', `${reason}, so pruning a token would change every chunk`, join)
}

/** A product with weights between Q·Kᵀ and a softmax, which mixes the scores of several heads. */
export function mixedHeads(program: Program, softmax: NodeProto): NodeProto | undefined {
  if (!hasTrait(softmax, 'softmax')) return undefined
  let mixing: NodeProto | undefined
  const seen = new Set<string>()
  const queue = [softmax.input[0] as string]
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const node = seen.has(name) ? undefined : program.graph.producer(name)
    seen.add(name)
    if (node === undefined) continue
    const data = node.input.filter((input) => input !== '' && program.dependsOnInputs(input))
    if (hasTrait(node, 'product', 'convolution')) {
      if (data.length > 1) return mixing
      if (mixing !== undefined) continue
      mixing = node
      queue.push(...data)
    } else if (hasTrait(node, 'arithmetic', 'choice', 'same values', 'moved values')) queue.push(...data)
  }
  return undefined
}

/** A softmax of products that are joined, or written into a larger value part by part, as Longformer writes the scores of its windows. */
export function softmaxOfParts(program: Program, softmaxes: readonly NodeProto[]): NodeProto | undefined {
  const seen = new Set<string>()
  const readsParts = (softmax: NodeProto): boolean => {
    const queue = [{ name: softmax.input[0] as string, isPart: false }]
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const { name, isPart } = next
      const node = seen.has(`${isPart} ${name}`) ? undefined : program.graph.producer(name)
      seen.add(`${isPart} ${name}`)
      if (node === undefined || hasTrait(node, 'softmax')) continue
      const data = node.input.filter((input) => input !== '' && program.dependsOnInputs(input))
      if (!hasTrait(node, 'product')) {
        const isWritten = node.opType === 'ScatterND' || node.opType === 'ScatterElements'
        const isJoined = hasTrait(node, 'joined values') && data.length > 1
        const isPartOf = (own: string): boolean => isPart || isJoined || (isWritten && own === node.input[2])
        for (const own of data) queue.push({ name: own, isPart: isPartOf(own) })
      } else if (data.length > 1 && isPart) return true
    }
    return false
  }
  return softmaxes.find(readsParts)
}

/** The difference of what heads return, each by probabilities of its own (differential attention). */
export function subtractedHeads(program: Program, softmaxes: readonly NodeProto[]): NodeProto | undefined {
  const reached = new Set(softmaxes.flatMap(({ output }) => output))
  // Values that are added to a set during its iteration are reached as well.
  for (const name of reached) {
    for (const { node } of program.graph.consumers(name)) {
      const data = node.input.filter((input) => input !== '' && program.dependsOnInputs(input))
      if (node.opType === 'Sub' && node.input.every((input) => reached.has(input))) return node
      const isHeads = hasTrait(node, 'product') ? data.length > 1 : hasTrait(node, ...KEEP_HEADS)
      if (isHeads) for (const output of node.output) reached.add(output)
    }
  }
  return undefined
}

/** Heads remain what they are. */
const KEEP_HEADS = ['factor', 'same values', 'moved values', 'parts', 'joined values'] as const
