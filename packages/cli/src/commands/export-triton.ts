import { basename, dirname, resolve } from 'node:path'
import { isPacked } from '@tp/compiler'
import { readModelFolder } from '@tp/data'
import { taskOf } from '@tp/data/outputs'
import { nodeRuntime } from '@tp/runtime-node'
import { type Command, command } from '../command/command.ts'
import { endable } from '../command/endable.ts'
import { EXIT } from '../command/exit-code.ts'
import { usageError } from '../command/usage-error.ts'
import { number, wholeNumber } from '../command/values.ts'
import { exportError, isBatched, tritonConfig, warmupInputs } from '../exporting/triton-config.ts'
import { writeRepository } from '../exporting/write-repository.ts'
import { readModelFile } from '../model/model-file.ts'
import { jsonDocument } from '../output/document.ts'

export const exportTritonCommand: Command = command({
  options: {
    out: {
      type: 'string',
      short: 'o',
      value: 'REPOSITORY',
      description: 'the model repository, a folder; the model becomes a new folder in it',
    },
    name: {
      type: 'string',
      value: 'NAME',
      description: 'what the model is called; default: its folder, or the one above a folder called onnx',
    },
    'max-batch': {
      type: 'string',
      value: 'N',
      is: 'whole number',
      description: 'most examples of a batch; default 64',
    },
    'max-wait': {
      type: 'string',
      value: 'MS',
      is: 'from 0',
      description: 'milliseconds that a request may wait for others of its shape; default 0',
    },
    json: { type: 'boolean', description: 'print one JSON document' },
  },
  notes: [
    'Writes NAME/config.pbtxt, NAME/1/model.onnx and what the model is warmed up with, for the onnxruntime backend of Triton and KServe.',
    'It takes tensors: clients have the tokenizer. Triton batches requests of equal shape only, so pad texts to few lengths. An example:',
    '',
    '  tp export-triton mail/pruned.onnx -o repository --name mail',
  ],
  async run([path = ''], given, { print, progress, signal, files, runtime = nodeRuntime() }) {
    const { out, json = false } = given
    if (out === undefined) throw usageError('-o REPOSITORY is missing: the folder to write to')
    const name = given.name ?? folderName(path)
    if (!/^[\w-][\w.-]*$/.test(name)) throw usageError(`--name is "${name}"; it must be of letters, digits, _, - and .`)
    const maxBatch = given['max-batch'] === undefined ? 64 : wholeNumber('max-batch', given['max-batch'])
    const maxWait = given['max-wait'] === undefined ? 0 : number('max-wait', given['max-wait'])
    const file = await endable(() => readModelFile(path, { signal, files }))
    if (isPacked(file.model))
      throw exportError('it is packed, and only @tp/runtime-native runs it; export what was packed')
    progress.stage(`running ${basename(path)}`)
    await using session = await runtime.load(path, { signal })
    const warmup = warmupInputs(session)
    // What Triton will do first has to work.
    await session.run(warmup, { signal })
    const known = await readModelFolder(path)
    const labels = taskOf(session.outputs, known.labels) === 'classification' ? known.labels : undefined
    const config = tritonConfig(session, warmup, { name, labels, maxBatch, maxWait })
    const folder = await writeRepository(out, file, { name, config, labels, warmup }, signal)
    progress.end()
    const report = { model: path, out: folder, name, batched: isBatched(session) }
    print(json ? jsonDocument('export-triton', report) : describe(report))
    return EXIT.done
  },
})

/** Optimum puts a model into a folder called `onnx` below its own. */
function folderName(path: string): string {
  const folder = dirname(resolve(path))
  return basename(basename(folder) === 'onnx' ? dirname(folder) : folder)
}

function describe({ out, batched }: { readonly out: string; readonly batched: boolean }): string {
  const batches = batched ? 'requests of equal shape are batched' : 'no batches: an axis in front is fixed'
  return `wrote ${out}: ${batches}`
}
