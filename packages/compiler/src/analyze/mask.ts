import type { Tensor } from '@tp/core'
import { type ConstantData, type Dim, namesIn } from '@tp/core/expression'
import { operatorOf, returnsFirst } from '../operators/traits.ts'
import type { Program } from '../program/program.ts'
import { Refused } from '../program/refusal.ts'
import type { Encoder } from './encoder.ts'
import type { Layer } from './layer.ts'
import { quietTerms } from './position-terms.ts'
import { tablesChosenFrom } from './tables.ts'
import { type Mask, marksPadding, type Visibility, visibilityOf } from './visibility.ts'

/**
 * Finds what says which tokens are real and which are padding: a value [b,n] that everything of the inputs that reaches
 * the scores goes through. Usually that is an input of the model; where the mask is made from lengths, from samples, or
 * from token numbers, it is the value nearest to the scores that holds yes or no for each token. That it hides the keys
 * where it is 0 (or 1, where it marks padding), and no others, is proved by trying. `stream`: what the first layer reads; what is computed from it is a
 * position term, which hides nothing.
 * @throws Refused TP_MASK if there is none
 */
export function findMask(program: Program, layers: readonly Layer[], stream: string): FoundMask {
  const sides = [...new Set(layers.flatMap(({ attention }) => attention.sides))]
  const proved = (mask: Mask | undefined, padded?: 'right'): FoundMask => {
    const masksItself = mask !== undefined && isTokenNumbers(program, mask.name)
    const see = (layer: Layer): Visibility => visibilityOf(program, layer, mask, masksItself, stream, padded)
    return { mask, causal: layers.find((layer) => see(layer) === 'causal') }
  }
  // Where an earlier cut chose by an input of the model, its choice is not a mask.
  const chosen = program.earlier.flatMap(({ after, indices, valid, keyBias }) => [after, indices, valid, keyBias])
  const streams = [stream, ...program.earlier.map(({ after }) => after)].map((name) => program.tensor(name))
  const quiet = quietTerms(
    sides.map((side) => program.tensor(side)),
    streams,
  )
  const stops = new Set([stream, ...chosen.filter((name) => name !== undefined), ...namesOf(program, sides, quiet)])
  const inputs = [...inputsUpstream(program, sides, stops)]
  if (inputs.length === 0) {
    return proved(undefined)
  }
  let refused: Refused | undefined
  const firstProved = (padded?: 'right'): FoundMask | undefined => {
    for (const mask of candidates(program, sides, inputs, { stream, stops })) {
      if (mask.padding === 1 && !holdsYesOrNo(program, mask.name)) continue
      try {
        return proved(mask, padded)
      } catch (error) {
        if (!(error instanceof Refused) || error.refusal.code !== 'TP_MASK') throw error
        refused ??= error
      }
    }
    return undefined
  }
  const found = firstProved()
  if (found !== undefined) return found
  const apart = masksApart(program, layers, stream)
  // Fused operators may count the tokens that others look at each: of texts that are padded on the right both hide the same.
  const counted = apart && firstProved('right')
  if (counted !== undefined) return counted
  throw apart ?? refused ?? noMask(program, layers, inputs)
}

/** The refusal of layers that have masks of their own: where an optimizer has fused some of them, these count tokens, and the others look at each. */
function masksApart(program: Program, layers: readonly Layer[], stream: string): Refused | undefined {
  if (layers.length < 2) return undefined
  const own = new Map<string, number>()
  for (const [i, layer] of layers.entries()) {
    const mask = maskOf(program, layer, stream)
    if (mask === undefined) return undefined
    if (!own.has(mask.name)) own.set(mask.name, i)
  }
  if (own.size < 2) return undefined
  const named = (mask: string): string => (program.isInput(mask) ? mask : [...program.inputsOf(mask)].join('+'))
  const seen = [...own].map(([name, layer]) => `layer ${layer} by ${named(name)}`).join(', ')
  const advice = 'prune the model as it was exported, and optimize it afterwards'
  const node = layers[[...own.values()][1] as number]?.attention.chain.at(-1)
  return new Refused('TP_MASK', `the layers do not hide padding by one mask: ${seen}; ${advice}`, node)
}

/** The mask of one layer alone, if it has one. */
function maskOf(program: Program, layer: Layer, stream: string): Mask | undefined {
  try {
    return findMask(program, [layer], stream).mask
  } catch (error) {
    if (error instanceof Refused) return undefined
    throw error
  }
}

/** The value that says which tokens are padding, if there is one, and a layer that hides later tokens from earlier ones. */
export interface FoundMask {
  readonly mask: Mask | undefined
  readonly causal: Layer | undefined
}

/** Values that may be the mask, likeliest first: an input of the model, then values from the scores backwards. */
function* candidates(
  program: Program,
  sides: readonly string[],
  inputs: readonly string[],
  { stream, stops }: { readonly stream: string; readonly stops: ReadonlySet<string> },
): Generator<Mask> {
  const [batch, tokens] = program.tensor(stream).dims
  const [only] = inputs
  if (inputs.length === 1 && only !== undefined) {
    const { dims } = program.tensor(only)
    if (dims.length === 2 && mayBeEqual(dims[1] as Dim, tokens as Dim)) yield* bothWays(only)
  }
  const upstream = new Set(sides.flatMap((side) => [...program.before(side, stream)]))
  for (const node of [...program.graph.nodes].reverse()) {
    for (const name of node.output) {
      if (name === stream || !upstream.has(name) || !isPerToken(program, name, batch, tokens)) continue
      if (!program.dependsOnInputs(name) || !holdsYesOrNo(program, name)) continue
      if (inputsUpstream(program, sides, new Set([...stops, name])).size === 0) yield* bothWays(name)
    }
  }
}

function* bothWays(name: string): Generator<Mask> {
  yield { name, padding: 0 }
  yield { name, padding: 1 }
}

/** Exporters name the axes of each input for itself; sizes that are both free have to be equal where they meet. */
function mayBeEqual(a: Dim, b: Dim): boolean {
  return a === b || [a, b].every((dim) => namesIn(dim).has(dim as string))
}

function isPerToken(program: Program, name: string, batch: Dim | undefined, tokens: Dim | undefined): boolean {
  const { hasShape, dims } = program.tensor(name)
  return hasShape && dims.length === 2 && dims[0] === batch && dims[1] === tokens
}

/** The names of some of the values upstream of others, the nearest ones. */
function namesOf(program: Program, names: readonly string[], tensors: ReadonlySet<Tensor>): string[] {
  const found: string[] = []
  const seen = new Set(tensors.size === 0 ? [] : names)
  // Values that are added to a set during its iteration are reached as well.
  for (const name of seen) {
    if (tensors.has(program.tensor(name))) found.push(name)
    else for (const source of program.sources(name)) seen.add(source)
  }
  return found
}

/** The model's inputs whose contents reach some values other than through `stops`. */
function inputsUpstream(program: Program, names: readonly string[], stops: ReadonlySet<string>): Set<string> {
  const inputs = new Set<string>()
  const seen = new Set(stops)
  const queue = [...names]
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (seen.has(name)) continue
    seen.add(name)
    if (program.isInput(name)) inputs.add(name)
    for (const source of program.sources(name)) queue.push(source)
  }
  return inputs
}

/**
 * True if a value can only be 0 or 1: truth values, and numbers made from them or from a mask that is an input. Of other
 * numbers it could not be proved by trying 0 and 1 what they say.
 */
function holdsYesOrNo(program: Program, name: string): boolean {
  const seen = new Set([name])
  // Values that are added to a set during its iteration are reached as well.
  for (const each of seen) {
    const data = yesOrNoIf(program, each)
    if (data === undefined) return false
    for (const operand of data) seen.add(operand)
  }
  return true
}

/** The values that have to hold 0 and 1 so that another does; undefined where nothing would make it so. */
function yesOrNoIf(program: Program, name: string): readonly string[] | undefined {
  const { dtype, value } = program.tensor(name)
  if (dtype === 'bool') return []
  const unlessUnproven = (holds: boolean | undefined): readonly string[] | undefined => (holds ? [] : undefined)
  const isYesOrNo = value?.every((entry) => entry === 0 || entry === 1)
  const node = program.graph.producer(name)
  if (node === undefined) return unlessUnproven(program.isInput(name) ? !isTokenNumbers(program, name) : isYesOrNo)
  const operands = node.input.filter((input) => input !== '')
  if (node.opType === 'Constant') return unlessUnproven(isYesOrNo)
  if (node.opType === 'ConstantOfShape') return unlessUnproven(isFilledWithYesOrNo(program.tensor(name)))
  if (node.opType === 'Sub') return isOne(program, operands[0] as string) ? operands.slice(1, 2) : undefined
  const from = operatorOf(node)?.zeroOrOneFrom ?? (returnsFirst(node) ? 'first' : undefined)
  if (typeof from === 'object') return from.flatMap((index) => node.input[index] || [])
  return from === 'all' ? operands : from && operands.slice(0, 1)
}

/** Ones for tokens that are there in any case, such as patches of an image. */
function isFilledWithYesOrNo({ node }: Tensor): boolean {
  const { value } = node.attributes as { readonly value?: ConstantData }
  return value === undefined || [0, 1].includes(value.data[0] as number)
}

function isOne(program: Program, name: string): boolean {
  const { value } = program.tensor(name)
  return value !== undefined && value.length > 0 && value.every((entry) => entry === 1)
}

/** True if rows of a table are chosen by an input: it numbers tokens. */
function isTokenNumbers(program: Program, name: string): boolean {
  return tablesChosenFrom(program, name).length > 0
}

/** The input of the model that says which tokens are padding, if there is one that says nothing else. */
export function maskInput(program: Program, { mask, maskMarksPadding, layers }: Encoder): Mask | undefined {
  if (mask === undefined) return undefined
  if (program.isInput(mask)) return { name: mask, padding: maskMarksPadding ? 1 : 0 }
  const [first] = layers as [Layer]
  const [name, ...others] = program.inputsOf(mask)
  if (name === undefined || others.length > 0 || isTokenNumbers(program, name)) return undefined
  const padding = marksPadding(program, first, name, first.input)
  return padding === undefined ? undefined : { name, padding: padding ? 1 : 0 }
}

function noMask(program: Program, layers: readonly Layer[], inputs: readonly string[]): Refused {
  const node = layers[0]?.attention.chain.at(-1)
  const tokens = program.tensor(layers[0]?.input as string).dims[1]
  const names = inputs.map((name) => `${name} [${program.tensor(name).dims.join(',')}]`).join(' and ')
  return new Refused(
    'TP_MASK',
    `the scores of attention depend on ${names}, and no value in between says yes or no for each of the ${tokens} tokens, so it is not known which tokens are padding`,
    node,
  )
}
