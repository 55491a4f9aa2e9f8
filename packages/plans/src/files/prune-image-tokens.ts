import { type Plan, type PruneImageTokensReport, pruneImageTokens, transform } from '@tp/compiler'
import { type Amount, countedAmounts, type Method, TpError } from '@tp/core'
import { amountRules, keptCount } from '@tp/core/host'
import type { ModelFile } from '@tp/data'
import { commitModel, replaceFile } from '@tp/data/files'
import { readImagePrompt } from '@tp/data/folders'
import { Graph, lift } from '@tp/onnx'

export interface PruneImageTokensFileOptions {
  /** Says how many are kept. */
  readonly plan: Plan
  /** That of the plan. */
  readonly method: Method
  /** The folder that the file is from. */
  readonly folder: string
  /** The file to write … */
  readonly out: string
  /** … and the folder for the processor's files. */
  readonly outFolder: string
  readonly signal: AbortSignal
}

/** The written files. */
export interface PrunedImageTokens extends Pick<PruneImageTokensReport, 'method' | 'tokens' | 'of' | 'output'> {
  /** The files of the processor, by name, as they are now. */
  readonly processor: Readonly<Record<string, object>>
}

/**
 * Writes the vision encoder of a vision-language model so that it hands over some of its image tokens, and the processor's files so that a
 * prompt has as many placeholders.
 * @throws Refused; TpError TP_IMAGE_TOKENS, TP_SCHEDULE, TP_PLAN, TP_METHOD, TP_OPTION, TP_WRITE, TP_ABORTED
 */
export async function pruneImageTokensFile(
  file: ModelFile,
  { plan, method, folder, out, outFolder, signal }: PruneImageTokensFileOptions,
): Promise<PrunedImageTokens> {
  const prompt = await readImagePrompt(folder)
  const amount = amountOf(plan)
  const of = prompt.tokens ?? tokensOf(file)
  const tokens = keptCount(of, amount)
  if (tokens === undefined) {
    const reason = 'a prompt has a fixed number of image tokens, which scores cannot decide'
    throw new TpError('TP_SCHEDULE', 'plans', `${reason}; give ${countedAmounts()}`)
  }
  const { model, reports } = transform(file.model, pruneImageTokens({ method, tokens, of }))
  await commitModel(model, file, out, { signal })
  const processor = prompt.changed(tokens, of)
  for (const [name, json] of Object.entries(processor))
    await replaceFile(`${outFolder}/${name}`, new TextEncoder().encode(`${JSON.stringify(json, null, 2)}\n`))
  const { transform: _, ...facts } = reports[0]
  return { ...facts, processor }
}

/** The one amount of a plan. @throws TpError TP_PLAN, TP_SCHEDULE */
function amountOf(plan: Plan): Amount {
  const other = (
    ['layers', 'leaveOut', 'encoder', 'pack', 'protect', 'protectSegment', 'restore', 'quantize'] as const
  ).find((field) => plan[field] !== undefined)
  if (other !== undefined)
    throw new TpError(
      'TP_PLAN',
      'plans',
      `${other} is about layers, and image tokens are pruned after the last one; omit it`,
    )
  const [amount] = Object.entries(amountRules).flatMap(([kind, { name }]): Amount[] =>
    typeof plan[name] === 'number' ? [{ kind: kind as Amount['kind'], value: plan[name] }] : [],
  )
  if (amount !== undefined) return amount
  throw new TpError('TP_SCHEDULE', 'plans', `image tokens are pruned once, by one number; give ${countedAmounts()}`)
}

/** @throws TpError TP_IMAGE_TOKENS where the file says no number */
function tokensOf({ model, path }: ModelFile): number {
  const graph = new Graph(model)
  const [output, another] = graph.outputs
  // Inferred: exporters give sizes names that they do not have.
  const tensor = output && another === undefined ? lift(graph).tensor(output.name) : undefined
  const count = tensor?.hasShape ? tensor.dims[1] : undefined
  if (typeof count === 'number') return count
  const seen = `neither ${path} nor the processor's files say how many tokens an image has`
  throw new TpError('TP_IMAGE_TOKENS', 'plans', `${seen}; export the vision encoder for images of one size`)
}
