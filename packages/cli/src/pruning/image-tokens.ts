import { join } from 'node:path'
import { replaceFile } from '@tp/data/files'
import type { FolderGraph, FolderGraphs, StepOutput, StepReport } from '@tp/data/folders'
import { pruneImageTokensFile } from '@tp/plans/files'
import { usageError } from '../arguments/usage-error.ts'
import { endable } from '../context/endable.ts'
import { readModelFile } from '../model/model-file.ts'
import { readPlan } from './read-plan.ts'

/** Options that say how image tokens are pruned, or what all commands take. */
const KNOWN = ['method', 'plan', 'param', 'plugin', 'keep', 'tokens', 'remove', 'json', 'verbose', 'quiet']

/** A vision encoder of a folder, pruned to some of its image tokens, with the processor's files. @throws TpError as `pruneImageTokensFile` */
export async function pruneImageTokensIn(
  { folder }: FolderGraphs,
  { file }: FolderGraph,
  to: StepOutput,
  args: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<StepReport> {
  const other = Object.keys(args).find((name) => !KNOWN.includes(name) && args[name])
  if (other !== undefined) throw usageError(`--${other} is not for image tokens of a vision-language model; omit it`)
  const { plan, method } = await readPlan(args)
  const read = await endable(() => readModelFile(join(folder, file), { signal }))
  const options = { plan, method, folder, out: to.graph, outFolder: to.folder, signal }
  const facts = await endable(() => pruneImageTokensFile(read, options))
  const { tokens, of, processor } = facts
  await replaceFile(join(to.folder, 'tp-plan.json'), new TextEncoder().encode(`${JSON.stringify(plan, null, 2)}\n`))
  const config = Object.keys(processor).map((name) => `, and ${name} says so`)
  const text = `${method.name} hands over ${tokens} of ${of} image tokens${config.join('')}\naccuracy: not measured`
  return { text, content: { model: read.path, out: to.graph, plan, imageTokens: facts } }
}
