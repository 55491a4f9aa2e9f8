import type { Dim } from '@tp/core'
import { findAttentions } from './attention.ts'
import { type Block, findBlock } from './block.ts'
import type { Program } from './program.ts'
import { readProvenance } from './provenance.ts'
import { Refused } from './refusal.ts'
import { refuseWithoutBlocks, requireWholeAttention } from './refusal-reasons.ts'
import { TOKENS, type TokenAxis, traceTokens } from './token-axis.ts'
import { requireVisibility } from './visibility.ts'

/** What was found in a graph: a stack of transformer blocks over one stream of tokens. */
export interface Encoder {
  readonly blocks: readonly Block[]
  readonly batch: Dim
  /** Tokens at the first block: a name, or a number where the length is fixed. */
  readonly tokens: Dim
  readonly hidden: number
  readonly heads: number
  /** The input that says which tokens are real (1) and which are padding (0), if there is one. */
  readonly mask: string | undefined
  /** Positions that stay unless told otherwise: the required ones, and learned tokens. */
  readonly fixed: readonly number[]
  /** Positions that the model reads, or skips, by their place. */
  readonly required: readonly number[]
  /** Index of the token that the head reads, if it reads single places; the first of them. */
  readonly classToken: number | undefined
  /** Outputs that have one row for every token. */
  readonly tokenOutputs: readonly string[]
}

/**
 * Finds the encoder in a graph by structure.
 * @throws Refused
 */
export function findEncoder(program: Program): Encoder {
  requireWhole(program)
  const blocks = findAttentions(program)
    .map((attention) => findBlock(program, attention))
    .filter((block) => block !== undefined)
  const [first] = blocks
  if (first === undefined) throw refuseWithoutBlocks(program)
  for (const block of blocks) requireWholeAttention(program, block)
  requireOneStack(program, blocks)
  const stream = program.tensor(first.input)
  if (!stream.hasShape || stream.rank !== 3 || typeof stream.dims[2] !== 'number') {
    const node = program.graph.producer(first.input)
    const control = program.graph.nodes.find(({ opType }) => ['If', 'Loop', 'Scan'].includes(opType))
    if (!stream.hasShape && control !== undefined) {
      const reason = 'the blocks read what a control-flow node decides, so its shape cannot be known'
      throw new Refused('TP_CONTROL_FLOW', `${reason}; export the model without branches and loops`, control)
    }
    throw new Refused(
      'TP_STREAM',
      `the first block reads ${stream}, where batch × tokens × hidden size was expected`,
      node,
    )
  }
  const mask = findMask(program, blocks)
  for (const block of blocks)
    requireVisibility(program, block, mask, mask !== undefined && program.inputsOf(first.input).has(mask))
  const axis = traceTokens(program, first.input)
  const heads = checkBlocks(blocks, axis)
  const learned = learnedTokens(program, first.input)
  const places = axis.readers.filter((reader) => reader.single)
  return {
    blocks,
    batch: stream.dims[0] as Dim,
    tokens: axis.count,
    hidden: stream.dims[2],
    heads,
    mask,
    fixed: firstPositions(Math.max(axis.reads, learned)),
    required: firstPositions(axis.reads),
    classToken: places.length > 0 ? 0 : undefined,
    tokenOutputs: program.graph.outputs
      .map((output) => output.name)
      .filter((name) => axis.changed.get(name)?.dims.includes(TOKENS)),
  }
}

/** Behind a cut masks and counts come from the choice of tokens, and a second cut would have to know of the first. */
function requireWhole(program: Program): void {
  const step = readProvenance(program.model).find(({ cuts }) => cuts.length > 0)
  if (step === undefined) return
  const blocks = step.cuts.map(({ block }) => block).join(', ')
  const node = program.graph.producer(step.cuts[0]?.after as string)
  throw new Refused(
    'TP_PRUNED',
    `tokens leave this model already (${step.method}, blocks ${blocks}); prune the file it was made from`,
    node,
  )
}

function firstPositions(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}

/** Every block has to read what the one before it has written. */
function requireOneStack(program: Program, blocks: readonly Block[]): void {
  for (const [i, block] of blocks.entries()) {
    const before = blocks[i - 1]
    if (before === undefined || program.before(block.input).has(before.site)) continue
    const node = program.graph.producer(block.input)
    throw new Refused(
      'TP_TOWERS',
      `block ${i} does not build on block ${i - 1}: the file holds more than one encoder`,
      node,
    )
  }
}

/** Proves the token axis in every block (queries and keys are both counted by it) and returns the number of heads. */
function checkBlocks(blocks: readonly Block[], axis: TokenAxis): number {
  let heads = 0
  for (const [i, block] of blocks.entries()) {
    const { probabilities, chain } = block.attention
    const node = chain.at(-1)
    const shape = axis.changed.get(probabilities)?.dims ?? []
    if (shape.at(-1) !== TOKENS || shape.at(-2) !== TOKENS) {
      throw new Refused(
        'TP_TOKEN_AXIS',
        `block ${i} attends over [${shape.join(',')}], not from every token to every token`,
        node,
      )
    }
    const site = axis.changed.get(block.site)?.dims
    if (site?.length !== 3 || site[1] !== TOKENS) {
      throw new Refused(
        'TP_TOKEN_AXIS',
        `block ${i} does not give batch × tokens × hidden size after its attention`,
        node,
      )
    }
    const count = shape.length === 3 ? 1 : shape[1]
    if (typeof count !== 'number')
      throw new Refused('TP_HEADS', `block ${i} has a number of heads that is not known`, node)
    heads = count
  }
  return heads
}

/**
 * Leading tokens that are learned: parts of the last join along the token axis before the first block that do not
 * depend on the input (class, distillation, register tokens).
 */
function learnedTokens(program: Program, stream: string): number {
  let name = stream
  for (;;) {
    const node = program.graph.producer(name)
    if (node === undefined) return 0
    if (node.opType === 'Concat') return leadingParts(program, node.input)
    const data = node.input.filter((input) => input !== '' && program.dependsOnInputs(input))
    if (data.length !== 1) return 0
    name = data[0] as string
  }
}

function leadingParts(program: Program, parts: readonly string[]): number {
  let count = 0
  for (const part of parts) {
    const tensor = program.tensor(part)
    const size = tensor.hasShape && tensor.rank === 3 ? tensor.dims[1] : undefined
    if (program.dependsOnInputs(part) || typeof size !== 'number') return count
    count += size
  }
  return count
}

/** The input that decides which keys are seen: the only one whose contents reach the scores beside Q and K. */
function findMask(program: Program, blocks: readonly Block[]): string | undefined {
  const inputs = new Set<string>()
  for (const [i, { input, attention }] of blocks.entries()) {
    for (const side of attention.sides) {
      if (program.before(side).has(input)) {
        const reason = `block ${i} adds to its scores what it computes from the hidden states (relative positions), which cannot follow the tokens yet`
        throw new Refused('TP_POSITION_BIAS', reason, program.graph.producer(side))
      }
      for (const name of program.inputsOf(side)) inputs.add(name)
    }
  }
  if (inputs.size === 0) return undefined
  const [mask] = inputs
  const node = blocks[0]?.attention.chain.at(-1)
  if (inputs.size > 1 || mask === undefined) {
    throw new Refused(
      'TP_MASK',
      `attention is masked by ${[...inputs].join(' and ')}; which tokens are padding cannot be told`,
      node,
    )
  }
  const { dims } = program.tensor(mask)
  const tokens = program.tensor(blocks[0]?.input as string).dims[1]
  if (dims.length !== 2 || dims[1] !== tokens)
    throw new Refused(
      'TP_MASK',
      `the mask ${mask} has shape [${dims.join(',')}], where batch × tokens (${tokens}) was expected`,
      node,
    )
  return mask
}
