import { styleText } from 'node:util'
import type { ExplainedToken, Explanation, PatchGrid } from '@tp/compare'
import { table } from './table.ts'

export interface DescribeOptions {
  /** Names of the model's classes; default: their numbers. */
  readonly classes: readonly string[] | undefined
  readonly classToken: number | undefined
  /** Whether a terminal shows it. */
  readonly styled: boolean
}

/** Columns of the longest bar. */
const BAR = 20
/** One token of this many is marked as one of the strongest. */
const MARKED_OF = 10
/** Strongest tokens that the first line names. */
const NAMED = 5

/** An example for people: what the model answers, and its tokens with their saliency. */
export function describeExplanation(explanation: Explanation, options: DescribeOptions): string {
  const { tokens, grid } = explanation
  const lines = [titleOf(explanation, options), ...strongestNames(tokens)]
  const rest =
    grid === undefined
      ? listing(tokens, options)
      : [...tokens.slice(0, grid.before).map((token, i) => frontToken(token, i, options)), ...image(tokens, grid)]
  return [...lines, ...rest.map((line) => `  ${line}`.trimEnd())].join('\n')
}

export function className(number: number, classes: readonly string[] | undefined): string {
  return classes?.[number] ?? `${number}`
}

function titleOf({ example, label, answer, probability, pruned }: Explanation, { classes }: DescribeOptions): string {
  const answers = `answer ${className(answer, classes)} (${percent(probability)})`
  const after =
    pruned &&
    `, pruned ${className(pruned.answer, classes)}; rank correlation ${pruned.correlation?.toFixed(2) ?? 'none'}`
  const labeled = label < 0 ? '' : `label ${className(label, classes)}, `
  return `example ${example}: ${labeled}${answers}${after ?? ''}`
}

function strongestNames(tokens: readonly ExplainedToken[]): string[] {
  const named = strongest(tokens, NAMED).flatMap((i) => tokens[i]?.text ?? [])
  return named.length === 0 ? [] : [`  looks most at  ${named.join(' · ')}`]
}

/** Tokens below each other, with bars. */
function listing(tokens: readonly ExplainedToken[], { styled }: DescribeOptions): string[] {
  const marked = new Set(strongest(tokens, Math.ceil(tokens.length / MARKED_OF)))
  const traced = tokens[0]?.prunedAt !== undefined
  const rows = tokens.map(({ text, saliency, prunedAt, score }, i) => [
    marked.has(i) ? '*' : '',
    text ?? `${i}`,
    '█'.repeat(Math.round(BAR * saliency)),
    percent(saliency),
    ...(prunedAt === undefined ? [] : [prunedText(prunedAt), score?.toPrecision(2) ?? '']),
  ])
  const headings = ['', 'token', 'saliency', '', ...(traced ? ['pruned at', 'with score'] : [])]
  const [first = '', ...others] = table(headings, rows, ['token', 'saliency', 'pruned at']).split('\n')
  return [first, ...others.map((line, i) => (styled && marked.has(i) ? styleText('bold', line, plainly) : line))]
}

/** Whether to style at all is decided before. */
const plainly = { validateStream: false } as const

function frontToken({ saliency, prunedAt }: ExplainedToken, i: number, { classToken }: DescribeOptions): string {
  const name = i === classToken ? 'class token' : `token ${i}`
  return `${name}  ${percent(saliency)}${prunedAt === undefined ? '' : `, ${prunedText(prunedAt)}`}`
}

const shades = ['··', '░░', '▒▒', '▓▓', '██'] as const

/** Patches at their positions, and next to them the layers at which they are pruned. */
function image(tokens: readonly ExplainedToken[], { before, rows, columns }: PatchGrid): string[] {
  const traced = tokens[0]?.prunedAt !== undefined
  const lines = Array.from({ length: rows }, (_, row) => {
    const own = tokens.slice(before + row * columns, before + (row + 1) * columns)
    const seen = own.map(({ saliency }) => shades[Math.min(4, Math.floor(5 * saliency))]).join('')
    const left = own.map(({ prunedAt }) => `${prunedAt ?? '·'}`.padStart(3)).join('')
    return traced ? `${seen}  ${left}` : seen
  })
  const key = `patches: · below 20 %, █ from 80 %${traced ? '; at the right the layer at which each is pruned, · none' : ''}`
  return [...lines, key]
}

/** Positions of the highest saliency, the highest first. */
function strongest(tokens: readonly ExplainedToken[], count: number): number[] {
  const saliency = (i: number): number => tokens[i]?.saliency ?? 0
  return [...tokens.keys()].sort((a, b) => saliency(b) - saliency(a)).slice(0, count)
}

function prunedText(layer: number | null): string {
  return layer === null ? 'kept' : `layer ${layer}`
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`
}
