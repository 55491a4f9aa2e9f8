import { type AnswerNearness, similarityNames } from '@tp/compare'
import type { QuantizeOptions, SmoothedSite } from '@tp/compiler'
import type { Task } from '@tp/data/outputs'
import type { Quantized, QuantizedWithin } from '@tp/optimize'
import type { FileVerification } from '@tp/plans/files'
import { lines } from './lines.ts'
import { counted, megabytes, percentage } from './numbers.ts'
import { verificationText } from './verification-text.ts'

export interface PrintedQuantization extends Partial<AnswerNearness> {
  readonly out: string
  /** Of weights that were rounded, as the other two. */
  readonly type?: QuantizeOptions['weightType']
  readonly perChannel?: boolean | undefined
  readonly keepsWeights: boolean
  readonly activations: QuantizeOptions['activations']
  readonly nodes: Quantized['nodes']
  readonly remaining: Quantized['remaining']
  readonly task?: Exclude<Task, 'asr'>
  /** Prompts of a decoder, tokens generated after each, and how many texts are the same. */
  readonly prompts?: number
  readonly tokens?: number
  readonly kept?: number
  readonly floats?: QuantizedWithin['floats']
  readonly smoothed?: readonly SmoothedSite[] | undefined
  readonly verification?: FileVerification
  readonly bytes: number
  readonly bytesBefore: number
  readonly [more: string]: unknown
}

export function describeQuantized(report: PrintedQuantization): string {
  const { out, task, similarity, floats = [], smoothed, verification, bytes, bytesBefore } = report
  return lines(
    `wrote ${out} (${megabytes(bytes)}, was ${megabytes(bytesBefore)}): ${weightsText(report)}`,
    remainingText(report.remaining, bytes),
    smoothed && smoothedText(smoothed),
    task && similarity !== undefined && `${similarityNames[task]} of the model as it was: ${similarity.toFixed(4)}`,
    textsText(report),
    floats.length > 0 && `in float32, by how far they move the answers: ${floats.map(({ name }) => name).join(', ')}`,
    verificationText(verification),
  )
}

/** Fewer texts as before are worth a word of advice. */
const MOST_TEXTS = 0.9

function textsText({ prompts = 0, tokens = 0, kept = 0, similarity = 1 }: PrintedQuantization): string | undefined {
  if (prompts === 0) return undefined
  const seen = `${kept} of ${prompts} prompts are continued by the text of the model as it was (${tokens} tokens, greedy); ${percentage(similarity)} of the next tokens are the same`
  if (kept >= MOST_TEXTS * prompts) return seen
  const within = Math.min(0.99, (1 + similarity) / 2).toFixed(2)
  const advice = `8 bits change what it writes: --within ${within} leaves the products that move it most in float32, and 8 bits by block (MatMulNBits) move it less`
  return lines(seen, advice)
}

function weightsText({ nodes, type, perChannel, activations, keepsWeights }: PrintedQuantization): string {
  const tables = nodes.filter(({ operator }) => operator === 'Gather').length
  const products = counted(nodes.length - tables, 'product')
  if (keepsWeights) return `weights as they were; activations of ${products}: one scale for each ${activations}`
  const scales = `one scale for each ${perChannel === true ? 'channel' : 'matrix'}`
  return `${products} and ${counted(tables, 'table')} in ${type}, ${scales}; activations: one for each ${activations}`
}

/** Less of the file is not worth a line; --json has all of them. */
const WORTH_A_LINE = 0.01

/** Why a file did not become a quarter of what it was. */
function remainingText(remaining: Quantized['remaining'], all: number): string | undefined {
  if (remaining.reduce((sum, { bytes }) => sum + bytes, 0) < WORTH_A_LINE * all) return undefined
  const readers = remaining.map(
    ({ bytes, operator, why }) => `${megabytes(bytes)} read by ${operator || 'no node'} (${why})`,
  )
  return `weights in float32: ${readers.join('; ')}`
}

function smoothedText(sites: readonly SmoothedSite[]): string {
  if (sites.length === 0) return 'smoothed nothing: no channel is loud enough for it to pay'
  const loud = sites.reduce((sum, site) => sum + site.loud, 0)
  return `smoothed ${sites.length} values, ${loud} channels in all`
}
