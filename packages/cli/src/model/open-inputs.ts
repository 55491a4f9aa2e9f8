import { inputRoles } from '@tp/compare'
import type { ValueInfo } from '@tp/core/runtime'
import { type ExamplesOptions, type ModelFile, type OpenExamples, openExamples, prepareInputs } from '@tp/data'
import type { ModelInputs } from '@tp/data/inputs'
import { nodeRuntime } from '@tp/runtime-node'
import type { dataOptions } from '../arguments/data-options.ts'
import type { Arguments } from '../arguments/option.ts'
import type { Context } from '../context/context.ts'

/** The options of the command line as those of `@tp/data`. */
export function examplesOptions(
  { labels, limit, top, tokenizer, candidates, split, unlabeled, ...args }: Arguments<typeof dataOptions>,
  batchSize: number,
  { progress, signal }: Context,
): ExamplesOptions {
  return {
    ...{ limit, top, tokenizer, candidates, split, unlabeled, batchSize, signal },
    labels: labels?.split(','),
    textColumn: args['text-column'],
    pairColumn: args['pair-column'],
    labelColumn: args['label-column'],
    onOmitted: (left) =>
      progress.note(`the model takes batches of ${batchSize} only: the last ${left} examples are omitted`),
  }
}

/** The examples of a file or folder, as many as fill batches. @throws TpError of @tp/data; TP_USAGE */
export async function openData(
  path: string,
  data: string,
  batchSize: number,
  args: Arguments<typeof dataOptions>,
  context: Context,
): Promise<OpenExamples & { readonly inputs: readonly ValueInfo[] }> {
  const { progress, signal, runtime = nodeRuntime() } = context
  progress.stage(`reading ${data}`)
  await using session = await runtime.load(path, { signal })
  return {
    ...(await openExamples(path, session, data, examplesOptions(args, batchSize, context))),
    inputs: session.inputs,
  }
}

/** The same, as the model takes them. */
export async function openInputs(...from: Parameters<typeof openData>): Promise<ModelInputs> {
  const { dataset, inputs, prepare } = await openData(...from)
  return await prepareInputs(dataset, inputs, prepare)
}

/** Batch size: the model's fixed one, or 1. */
export function batchSizeOf({ model }: ModelFile): number {
  const { batch } = inputRoles(model)
  return typeof batch === 'number' ? batch : 1
}
