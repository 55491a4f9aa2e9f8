import { join } from 'node:path'
import type { Plan } from '@tp/compiler'
import { replaceFile } from '@tp/data/files'
import * as folders from '@tp/data/folders'
import type { ParsedArguments } from '../arguments/arguments.ts'
import type { Arguments, OptionTable } from '../arguments/option.ts'
import type { CommandReport } from '../commands/command.ts'

type Options = Readonly<Record<string, unknown>>
const fillsRows = /^(auto|nearest|all)$/

/** Arguments as a command on files takes them, and the folder that is to be changed instead of a file. */
interface FolderArguments extends ParsedArguments {
  readonly changes: folders.FolderGraphs | undefined
}

/** Puts files in the place of folders, and names the decoder of a folder for speech where data are transcribed. */
export async function inFolders(
  { operands, options }: ParsedArguments,
  table: OptionTable,
  writesFolders: boolean,
): Promise<FolderArguments> {
  const found: Record<string, unknown> = { ...options }
  for (const [name, { reads }] of Object.entries(table)) {
    const path = found[name]
    if (reads === 'model' && typeof path === 'string')
      found[name] = await folders.modelOf(path, name === 'decoder' ? 'decoder' : 'model')
  }
  const [path = '', out = ''] = [operands[0], options.out as string | undefined]
  const isFolder = await folders.isDirectory(path)
  // A plan alone is a file.
  const isOfFiles = out.endsWith('.onnx') || (out === '' && options['plan-out'] !== undefined)
  const changes = writesFolders && !isOfFiles && (isFolder || /[/\\]$/.test(out))
  // A vision-language model is its decoder to all commands, but for a method to prune with.
  const vision = changes && (options.method ?? options.plan) !== undefined && (await folders.visionEncoderOf(path))
  const files = await Promise.all((vision ? [vision] : operands).map((operand) => folders.modelOf(operand)))
  const graphs = isFolder || changes ? await folders.readFolderGraphs(vision || path) : undefined
  const [decoder] = graphs?.decoders ?? []
  const transcribes = table.decoder && options.data !== undefined && (options.task ?? 'asr') === 'asr'
  if (graphs && decoder && transcribes) found.decoder ??= join(graphs.folder, decoder.file)
  return { operands: files, options: found as Arguments<OptionTable>, changes: changes ? graphs : undefined }
}

/** Options of `tp quantize` that are about every graph of a folder. */
const ofForm = ['type', 'activations', 'exclude', 'per-tensor', 'reduce-range', 'no-verify']

/**
 * Runs a command on each graph that it concerns, as if it were given alone, and writes the folder around them.
 * @param perform runs a command on files
 */
export async function changeFolder(
  name: string,
  graphs: folders.FolderGraphs,
  { out, force, dtype, ...options }: Options,
  signal: AbortSignal,
  perform: (name: string, args: ParsedArguments) => Promise<CommandReport>,
): Promise<CommandReport> {
  const run = (own: string, path: string, how: Options): Promise<CommandReport> =>
    perform(own, { operands: [path], options: how as Arguments<OptionTable> })
  const pathOf = ({ file }: folders.FolderGraph): string => join(graphs.folder, file)
  const all = name === 'quantize' ? folders.floatRuns(graphs) : folders.graphRuns(graphs)
  // Caches are those of the decoder that the folder stands for.
  const steps = options.caches ? ([all[0]] as const) : all
  // Decoders of texts, which read the mask of the dense encoder, too, are not changed.
  const isRead = graphs.main.name === 'encoder_model' && graphs.others.some((own) => own.name.startsWith('decoder_'))
  const restoring = name === 'prune' && isRead ? 'nearest' : undefined
  /** Options of all steps but the first; a graph that is rounded already is not rounded again. */
  let later: { readonly options: Options; readonly rounded: Options } | undefined
  const { report, ...written } = await folders.changeFolder(graphs, {
    ...{ command: `tp ${name}`, signal, steps, force: force === true },
    out: typeof out === 'string' ? out : folders.defaultFolder(pathOf(graphs.main)),
    ...(typeof dtype === 'string' && { fileOf: (graph) => folders.fileInPrecision(graph, dtype) }),
    async change({ graph, decoder }, to) {
      // Loaded only here: each of these files brings the whole of what it is about with it, which other commands do without.
      if (name === 'prune' && folders.isVisionLanguage(graphs))
        return await (await import('../pruning/image-tokens.ts')).pruneImageTokensIn(graphs, graph, to, options, signal)
      const pair = decoder && name !== 'pack' && { decoder: pathOf(decoder), 'decoder-out': to.decoder }
      // Where pruned positions get the rows of others, decoders stay as they are.
      const change = (own: string, { restore = restoring, ...how }: Options): Promise<CommandReport> =>
        run(own, pathOf(graph), { ...how, restore, out: to.graph, ...(!fillsRows.test(`${restore}`) && pair) })
      if (later !== undefined) {
        const how = graph.dtype === 'fp32' ? later.options : later.rounded
        return await change(name === 'optimize' ? 'prune' : name, how)
      }
      const path = join(to.folder, 'tp-plan.json')
      const found =
        name === 'optimize' && pair ? await run(name, pathOf(graph), { ...options, 'plan-out': path }) : undefined
      const kept: Record<string, unknown> = only(options, ['plugin', 'weights', 'no-verify', 'trace', 'monitor'])
      const { values, ...done } = found ? await change('prune', { ...kept, plan: path }) : await change(name, options)
      const { plan } = done.content as { plan?: Plan }
      if (plan === undefined) {
        const form = name === 'quantize' ? only(options, ofForm) : options
        later = { options: form, rounded: form }
        return done
      }
      const { quantize, ...rounded } = plan
      await write(path, plan)
      if (values !== undefined) {
        const { valuesPath } = await import('../optimizing/search.ts')
        kept.weights = valuesPath(path)
        await replaceFile(valuesPath(path), values)
      }
      // Neither is part of a plan.
      const isPlan = options.flops === undefined && !options['output-tokens']
      const how = isPlan ? { ...kept, plan: path, restore: plan.restore } : { ...options, restore: plan.restore }
      later = {
        options: how,
        rounded: quantize ? { ...how, plan: await write(join(to.folder, 'tp-plan.rounded.json'), rounded) } : how,
      }
      return found ?? done
    },
  })
  const texts = [
    report.text,
    `wrote the folder ${written.out}; changed: ${written.changed.join(', ')}`,
    ...(written.verified.length > 0 ? [`verified: ${written.verified.join(', ')}`] : []),
    ...written.leftOut.map(({ file, why }) => `left out ${file}: ${why}`),
  ]
  return { ...report, text: texts.join('\n'), content: { ...report.content, folder: written } }
}

async function write(path: string, plan: object): Promise<string> {
  await replaceFile(path, new TextEncoder().encode(`${JSON.stringify(plan, null, 2)}\n`))
  return path
}

function only(options: Options, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([name]) => names.includes(name)))
}
