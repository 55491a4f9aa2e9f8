import type { QuantizedComparison } from '@tp/compare'
import type { Quantized, QuantizeOptions, SmoothedSite } from '@tp/compiler'
import type { Nearness, QuantizedWithin } from '@tp/tune'
import { megabytes, percentage } from '../output/numbers.ts'
import type { ComparedInputs } from './nearness.ts'

export interface QuantizeReport extends Partial<Nearness> {
  readonly out: string
  readonly type: QuantizeOptions['weightType']
  readonly perChannel: boolean | undefined
  readonly nodes: Quantized['nodes']
  readonly task?: ComparedInputs['task']
  readonly floats?: QuantizedWithin['floats']
  readonly smoothed?: readonly SmoothedSite[] | undefined
  readonly verification?: QuantizedComparison
  readonly bytes: number
  readonly bytesBefore: number
  readonly [more: string]: unknown
}

/** What {@link Nearness.similarity} is, by task. */
const similarityNames: Readonly<Record<ComparedInputs['task'], string>> = {
  classification: 'answers with the same class',
  tokens: 'tokens with the same class',
  embeddings: 'mean cosine to the vectors',
  ranking: 'rank correlation with the order',
}

export function describeQuantized(report: QuantizeReport): string {
  const {
    out,
    type,
    perChannel,
    nodes,
    task,
    similarity,
    floats = [],
    smoothed,
    verification,
    bytes,
    bytesBefore,
  } = report
  const tables = nodes.filter(({ operator }) => operator === 'Gather').length
  const products = nodes.length - tables
  const scales = perChannel === true ? 'channel' : 'matrix'
  const lines = [
    `wrote ${out} (${megabytes(bytes)}, was ${megabytes(bytesBefore)}): ${products} products and ${tables} tables in ${type}, one scale for each ${scales}`,
  ]
  if (smoothed !== undefined) lines.push(smoothedText(smoothed))
  if (task !== undefined && similarity !== undefined) {
    lines.push(`${similarityNames[task]} of the model as it was: ${similarity.toFixed(4)}`)
  }
  if (floats.length > 0)
    lines.push(`in float32, by how far they move the answers: ${floats.map(({ name }) => name).join(', ')}`)
  if (verification !== undefined) lines.push(verificationText(verification))
  return lines.join('\n')
}

function smoothedText(sites: readonly SmoothedSite[]): string {
  if (sites.length === 0) return 'smoothed nothing: no channels are so loud that it would pay'
  const loud = sites.reduce((sum, site) => sum + site.loud, 0)
  return `smoothed ${sites.length} values, ${loud} channels in all`
}

function verificationText({ distances, own }: QuantizedComparison): string {
  const each = Object.entries(distances).map(([arrangement, far]) => `${arrangement} ${percentage(far)}`)
  if (each.length === 0) return 'verified  runs prompts alone and padded on either side with finite outputs'
  return [
    `verified  on random examples outputs differ from the source's by ${each.join(', ')} of their size`,
    `          in batches from those alone by ${percentage(own)}`,
  ].join('\n')
}
