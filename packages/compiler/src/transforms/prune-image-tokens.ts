import { type DType, type Method, TpError } from '@tp/core'
import { shown } from '@tp/core/host'
import { Graph, type NodeProto } from '@tp/onnx'
import { requireOptions } from '../plan/require-options.ts'
import { addImageTokens, type ImageTokens } from '../program/image-tokens.ts'
import type { Program } from '../program/program.ts'
import { Refused } from '../program/refusal.ts'
import { copyOutput } from '../prune/copy-output.ts'
import { keptImageTokens } from '../prune/image-site.ts'
import { checkMethod } from '../prune/prune-options.ts'
import { encodersOf, opened } from './analysis.ts'
import { isUnpacked, saysItsImageTokens } from './conditions.ts'
import type { Transform } from './transform.ts'

export interface PruneImageTokensOptions {
  /** Chooses by the image tokens, or by attention in the encoder's last layer. */
  readonly method: Method
  /** How many tokens of each image are handed over. */
  readonly tokens: number
  /** How many there are, N: needed where the file does not say it. */
  readonly of?: number
  /** The output [images, N, D]; default: the only one. */
  readonly output?: string
}

export interface PruneImageTokensReport extends Omit<ImageTokens, 'version'> {
  readonly transform: 'pruneImageTokens'
}

/**
 * Makes the vision encoder of a vision-language model hand over K of its N image tokens, after the projector and in their order. The
 * prompt has to have K placeholders for each image then: `pruneImageTokensFile` of `@tp/plans/files` says so in the processor's configuration.
 *
 * Methods read the image tokens themselves (`site.hidden`; as keys, one head of them). A method that reads attention scores patches in
 * the encoder's last layer, and an image token that is made of several patches gets the mean of their scores.
 *
 * Refused: TP_IMAGE_TOKENS where the output has no axis for the tokens, or a score cannot be followed to it.
 * @throws TpError TP_OPTION for a number that is not possible, TP_METHOD for a method that keeps another number of tokens, or that learns;
 *   once applied, TP_OUTPUT for an output that the file does not have
 * @example
 * const { model } = transform(decodeModel(bytes), pruneImageTokens({ method: divPrune(), tokens: 32, of: 64 }))
 */
export function pruneImageTokens(options: PruneImageTokensOptions): Transform<PruneImageTokensReport> {
  requireOptions(options, ['method', 'tokens', 'of', 'output'])
  checkMethod(options.method)
  requireFixedCount(options.method)
  requireWhole('tokens', options.tokens)
  if (options.of !== undefined) requireWhole('of', options.of)
  const { method, tokens } = options
  return {
    name: 'pruneImageTokens',
    requires: [isUnpacked],
    ensures: [saysItsImageTokens],
    apply(subject) {
      const { program } = opened(subject)
      const output = outputOf(program, options.output)
      const of = countOf(program, output, options.of)
      requireCount(method, tokens, of)
      const { kept, names } = keptImageTokens(program, { method, output, tokens, encoders: () => encodersOf(subject) })
      handOver(program, output, { kept, names, tokens })
      const facts = { method: method.name, tokens, of, output }
      addImageTokens(program.model, facts)
      return { model: program.model, report: { transform: 'pruneImageTokens', ...facts } }
    },
  }
}

/** Makes the kept tokens the output, and what was that an inner value. */
function handOver(
  program: Program,
  output: string,
  { kept, names, tokens }: ReturnType<typeof keptImageTokens> & { readonly tokens: number },
): void {
  const { dims, dtype } = program.tensor(output)
  const after = [dims[0] as string, tokens, dims[2] as number]
  const { name } = program.write(kept, names, { prefix: 'tp/image-tokens', dims: [after] })
  const { graph } = program
  copyOutput(program, output)
  if (name !== output) graph.replaceInput(graph.producer(output) as NodeProto, 0, name)
  const declared = new Graph(program.model).outputs.find((own) => own.name === output)?.dims ?? []
  graph.setValueInfo(
    output,
    dtype as DType,
    declared.map((dim, axis) => (axis === 1 ? tokens : dim === '?' ? undefined : dim)),
  )
  graph.sortTopologically()
}

/** @throws TpError TP_OUTPUT; Refused TP_IMAGE_TOKENS */
function outputOf(program: Program, name: string | undefined): string {
  const { graph } = program
  const names = graph.outputs.map((own) => own.name)
  const output = name ?? (names.length === 1 ? names[0] : undefined)
  if (output === undefined || graph.producer(output) === undefined || !names.includes(output)) {
    const seen = name === undefined ? 'the file has several outputs' : `the file has no output ${name}`
    throw new TpError('TP_OUTPUT', 'compiler', `${seen}: ${names.join(', ')}; name the one that holds image tokens`)
  }
  const tensor = program.tensor(output)
  if (tensor.hasShape && tensor.rank === 3) return output
  const seen = tensor.hasShape ? `[${tensor.dims.join(',')}]` : 'of unknown shape'
  const reason = `${output} is ${seen}, and not images × tokens × features`
  throw new Refused(
    'TP_IMAGE_TOKENS',
    `${reason}: how many tokens an image has depends on its size; those of such a model are not pruned`,
  )
}

/** @throws TpError TP_OPTION where the number of tokens is neither known nor an option, or another one */
function countOf(program: Program, output: string, option: number | undefined): number {
  const [, count] = program.tensor(output).dims
  const known = typeof count === 'number' ? count : undefined
  const of = known ?? option
  if (of !== undefined && (option === undefined || option === of)) return of
  const seen =
    of === undefined
      ? 'the file does not say how many tokens an image has'
      : `the file gives ${known} tokens for an image, and of is ${option}`
  throw new TpError('TP_OPTION', 'compiler', `${seen}; give their number as of`)
}

/** @throws TpError TP_OPTION, TP_METHOD */
function requireCount({ name, reduces }: Method, tokens: number, of: number): void {
  if (tokens > of)
    throw new TpError('TP_OPTION', 'compiler', `${tokens} of ${of} image tokens cannot be kept; keep ${of} at most`)
  const least = Math.ceil(of / 2)
  if (reduces !== 'pair' || tokens >= least) return
  const seen = `${name} merges tokens in pairs, which ends at ${least} of ${of}`
  throw new TpError('TP_METHOD', 'compiler', `${seen}, and ${tokens} are to be kept; keep more, or take another method`)
}

/** @throws TpError TP_METHOD */
function requireFixedCount({ name, site = 'attention', reduces, ...method }: Method): void {
  const reasons: readonly (readonly [boolean, string])[] = [
    [site !== 'attention' || method.returns === true, 'prunes at the input of a layer'],
    [method.adaptive === true || method.unscheduled === true, 'decides by itself how many it keeps'],
    [reduces !== undefined && reduces !== 'pair', 'keeps one token more than its amount says'],
    [method.params !== undefined, 'has to learn from the answers of a head'],
    [method.carry !== undefined || method.before !== undefined, 'works in several layers'],
  ]
  const found = reasons.find(([holds]) => holds)
  if (found === undefined) return
  const seen = `${name} ${found[1]}, and a prompt has a fixed number of image tokens, chosen once`
  throw new TpError('TP_METHOD', 'compiler', `${seen}; take div-prune, received-attention, random, stride or tome`)
}

/** @throws TpError TP_OPTION */
function requireWhole(option: string, value: unknown): void {
  if (Number.isInteger(value) && (value as number) > 0) return
  throw new TpError('TP_OPTION', 'compiler', `${option} is ${shown(value)}; give a whole number of tokens, from 1`)
}
